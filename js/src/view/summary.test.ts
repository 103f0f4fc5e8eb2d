import { expect, test } from "vitest";
import { CELL } from "../protocol";
import type { Filter } from "./api";
import { refuser } from "./filter";
import { datasetOf, LOOK } from "./testing";

const FILTERS: Filter[] = [
  { column: "label", off: [0] },
  { column: "score", from: 0.2, to: 0.9 },
];

const rowsOf = (length: number) => Array.from({ length }, (_, row) => row);

test.each([1, 2, 3])("counts are those of a plain count (seed %i)", (seed) => {
  const data = datasetOf(400, seed);
  data.setLook({ ...LOOK, filters: FILTERS });
  data.select({ by: "rows", rows: Uint32Array.from({ length: 50 }, (_, i) => 3 * i), mode: "replace" });
  const { columns, fails, selected } = data;
  const counts = data.counts();
  const done = rowsOf(400).filter((row) => columns.state[row] === CELL.done);
  const label = columns.numbers("label");
  const byScore = refuser(columns, FILTERS[1] as Filter);
  const withCode = (rows: number[], code: number) => rows.filter((row) => columns.code(label, row) === code).length;

  expect(counts).toMatchObject({ total: 400, done: done.length, failed: 0, notRun: 400 - done.length, selected: 50 });
  expect(counts.shown).toBe(rowsOf(400).filter((row) => fails[row] === 0).length);
  expect(counts.color).toBe(LOOK.color);
  const otherFilters = rowsOf(400).filter((row) => !byScore(row));
  expect([...(counts.categories ?? [])]).toEqual([0, 1, 2].map((code) => withCode(otherFilters, code)));
  expect(counts.missing).toBe(withCode(otherFilters, -1));
  const inside = done.filter((row) => selected[row] === 1);
  const outside = done.filter((row) => selected[row] === 0);
  expect([...(counts.mix?.selection ?? [])]).toEqual([0, 1, 2].map((code) => withCode(inside, code)));
  expect([...(counts.mix?.rest ?? [])]).toEqual([0, 1, 2].map((code) => withCode(outside, code)));
});

test.each([1, 2, 3])("the score's median and those below a half (seed %i)", (seed) => {
  const data = datasetOf(301, seed);
  const scores = [...(data.columns.numbers("score")?.values ?? [])].filter((score) => !Number.isNaN(score));
  scores.sort((a, b) => a - b);
  const { score } = data.counts();
  expect(score?.below).toBe(scores.filter((one) => one < 0.5).length);
  expect(score?.median).toBeCloseTo(scores[Math.ceil(scores.length / 2) - 1] as number, 3);
});

test("a number has a range of all cells and a histogram of those that pass", () => {
  const data = datasetOf(500, 8);
  data.setLook({ ...LOOK, color: "obs:counts", filters: [{ column: "obs:counts", from: 0, to: 200 }] });
  const values = [...(data.columns.numbers("obs:counts")?.values ?? [])];
  const held = values.filter((value) => !Number.isNaN(value));
  const passing = held.filter((value) => value >= 0 && value <= 200);
  const { numbers, categories } = data.counts();
  expect(categories).toBeNull();
  expect(numbers).toMatchObject({ min: Math.min(...held), max: Math.max(...held), missing: 0 });
  expect(numbers?.bins.reduce((sum, one) => sum + one, 0)).toBe(passing.length);
  expect(numbers?.zeros).toBe(passing.filter((value) => value === 0).length);
});

test("nothing done yet has no score, and a column of one value has one full bin", () => {
  const data = datasetOf(10, 1, 0);
  expect(data.counts().score).toBeNull();
  const values = new Float64Array(10).fill(7);
  data.takePiece({ column: "obs:counts", start: 0, count: 10, total: 10, values });
  data.setLook({ ...LOOK, color: "obs:counts" });
  expect([...(data.counts().numbers?.bins ?? [])].filter((one) => one > 0)).toEqual([10]);
});
