import { expect, test } from "vitest";
import { CELL } from "../protocol";
import { Columns, TextColumn } from "./columns";
import { MISSING } from "./dtypes";
import { randomOf, rowsOf, schemaOf } from "./testing";

function piecesOf(words: string[]): { offsets: Uint32Array; bytes: Uint8Array } {
  const encoded = words.map((word) => new TextEncoder().encode(word));
  const offsets = new Uint32Array(words.length + 1);
  encoded.forEach((bytes, i) => {
    offsets[i + 1] = (offsets[i] as number) + bytes.length;
  });
  return { offsets, bytes: Uint8Array.from(encoded.flatMap((bytes) => [...bytes])) };
}

test("text comes back as it was, whatever the alphabet and the pieces", () => {
  const words = ["AAACCT-1", "", "细胞", "žluťoučký", "🧬🧬", "<b>x</b>", "plain"];
  const text = new TextColumn(words.length);
  for (const [start, end] of [
    [0, 3],
    [3, 4],
    [4, 7],
  ] as const) {
    const { offsets, bytes } = piecesOf(words.slice(start, end));
    text.append(start, offsets, bytes);
  }
  expect(words.map((_, row) => text.at(row))).toEqual(words);
  expect([text.at(-1), text.at(7)]).toEqual(["", ""]);
});

test("text grows past its first bytes, and a piece that comes twice is taken once", () => {
  const words = Array.from({ length: 500 }, (_, i) => `cell-with-a-long-name-${i}`);
  const text = new TextColumn(words.length);
  const { offsets, bytes } = piecesOf(words);
  text.append(0, offsets, bytes);
  text.append(0, offsets, bytes);
  expect(text.at(499)).toBe(words[499]);
  expect(text.held).toBe(500);
});

test("rows land where they belong, in any order, and twice is once", () => {
  const next = randomOf(3);
  const columns = new Columns(schemaOf(50));
  const frames = [[40, 3, 12], [0], [12, 49]].map((rows) => rowsOf(rows, next));
  for (const frame of [...frames, frames[1], frames[2]]) if (frame) columns.takeRows(frame);
  for (const frame of frames.slice(1)) {
    frame.rows.forEach((row, i) => {
      const [state, xy, label] = frame.columns.map((column) => column.values);
      expect(columns.state[row]).toBe(state?.[i]);
      expect(columns.xy[2 * row]).toBe(xy?.[2 * i]);
      expect(columns.numbers("label")?.values[row]).toBe(label?.[i]);
    });
  }
  expect([...columns.state].filter((state) => state === CELL.done)).toHaveLength(5);
  expect(columns.code(columns.numbers("label"), 7)).toBe(-1);
  expect(columns.number(columns.numbers("score"), 7)).toBeNaN();
});

test("rows and pieces outside the dataset change nothing", () => {
  const columns = new Columns(schemaOf(4));
  columns.takeRows(rowsOf([4, 100, 4294967295], randomOf(1)));
  columns.takePiece({ column: "obs:counts", start: 3, count: 2, total: 4, values: new Float64Array(2) });
  columns.takePiece({ column: "xy", start: 3, count: 2, total: 4, values: new Float32Array(4) });
  columns.takePiece({ column: "no such", start: 0, count: 4, total: 4, values: new Float64Array(4) });
  expect([...columns.state]).toEqual([0, 0, 0, 0]);
  expect([...columns.xy].every(Number.isNaN)).toBe(true);
  expect(columns.numbers("no such")).toBeUndefined();
  expect(columns.numbers("obs:counts")?.held ?? 0).toBe(0);
});

test("a column is held as far as it came, and its missing codes are none", () => {
  const columns = new Columns(schemaOf(6));
  const values = Uint16Array.from([1, MISSING.u2, 0]);
  columns.takePiece({ column: "obs:batch", start: 0, count: 3, total: 6, values });
  const batch = columns.numbers("obs:batch");
  expect([0, 1, 2, 3].map((row) => columns.code(batch, row))).toEqual([1, -1, 0, -1]);
});

test("only a change of place counts as one", () => {
  const columns = new Columns(schemaOf(3));
  const frame = rowsOf([1], randomOf(5));
  expect([columns.takeRows(frame), columns.takeRows(frame)]).toEqual([true, false]);
});
