import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { unpack } from "./unpack";

interface Case {
  name: string;
  order: number[];
  header: { counts: "nibbles" | "f4"; extras: ("total" | "uniform" | "batch")[] };
  buffers: string[];
  indptr: number[];
  genes: number[];
  counts: number[];
}

const CASES: Case[] = JSON.parse(
  readFileSync(new URL("../../../tests/data/messages/packed.json", import.meta.url), "utf8"),
);
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

describe("what the kernel packs is unpacked", () => {
  test.each(CASES)("$name", ({ order, header, buffers, indptr, genes, counts }) => {
    const cells = unpack(header, buffers.map(bytes), new Uint32Array(order));
    expect([...cells.indptr]).toEqual(indptr);
    expect([...cells.genes]).toEqual(genes);
    expect([...cells.counts]).toEqual(counts);
  });

  test("what is not whole is refused", () => {
    const { order, header, buffers } = CASES[0] as Case;
    const raw = buffers.map(bytes);
    const known = new Uint32Array(order);
    expect(() => unpack(header, raw.slice(1), known)).toThrow("are not those of cells");
    expect(() => unpack(header, raw, known.slice(0, 1))).toThrow("a cell has gene");
    expect(() => unpack(header, raw.with(1, new Uint8Array(1)), known)).toThrow("genes are not");
  });
});
