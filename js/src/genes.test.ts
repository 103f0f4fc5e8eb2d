import { describe, expect, test } from "vitest";
import { findGenes, Genes } from "./genes";

const NAMES = ["CD40", "ACD4", "CD4", "cd4l", "<b>CD4</b>", "MS4A1"];
const find = (query: string, names: readonly string[] = NAMES) =>
  findGenes(
    names,
    names.map((name) => name.toLowerCase()),
    query,
  );

describe("searching genes", () => {
  test("the very name first, then what begins so, then what holds it, each in the model's order", () => {
    expect(find(" cd4 ")).toEqual({ genes: ["CD4", "CD40", "cd4l", "ACD4", "<b>CD4</b>"], count: 5 });
  });

  test("nothing typed finds nothing, nor does what is not there", () => {
    expect(find("")).toEqual({ genes: [], count: 0 });
    expect(find("platypus")).toEqual({ genes: [], count: 0 });
  });

  test("more than anybody reads are counted, and the exact one is among those that are listed", () => {
    const many = [...Array.from({ length: 60_000 }, (_, i) => `GENE${i}`), "GENE"];
    const { genes, count } = find("gene", many);
    expect([genes.length, count, genes[0]]).toEqual([50, 60_001, "GENE"]);
  });
});

describe("names as they come", () => {
  const piece = (start: number, names: string[], total = 3) => {
    const parts = names.map((name) => new TextEncoder().encode(name));
    const values = Uint32Array.from([0, ...parts].map((_, i) => parts.slice(0, i).reduce((n, p) => n + p.length, 0)));
    return {
      column: "genes",
      start,
      count: names.length,
      total,
      values,
      bytes: new Uint8Array(parts.flatMap((p) => [...p])),
    };
  };

  test("pieces are put one after the other; one that comes twice changes nothing", () => {
    const genes = new Genes();
    genes.take(piece(0, ["α", "B2M"]));
    genes.take(piece(0, ["α", "B2M"]));
    genes.take(piece(2, ["C"]));
    expect([genes.count, genes.has("α"), genes.has("C"), genes.has("c")]).toEqual([3, true, true, false]);
    expect(genes.find("b2").genes).toEqual(["B2M"]);
    genes.clear();
    expect([genes.count, genes.has("C")]).toEqual([0, false]);
  });
});
