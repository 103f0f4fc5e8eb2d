import { expect, test } from "vitest";
import { CELL } from "../protocol";
import type { Filter } from "./api";
import type { Dataset } from "./dataset";
import { filterAll, filterRows } from "./filter";
import { datasetOf, randomOf, rowsOf } from "./testing";

const FILTERS: Filter[] = [
  { column: "label", off: [0, 2] },
  { column: "score", from: 0.25, to: 0.75 },
  { column: "obs:batch", off: [1] },
  { column: "obs:counts", above: 300 },
  { column: "obs:counts", from: 0, to: 400 },
  { column: "second", off: [] },
  { column: "obs:not held", from: 0, to: 1 },
];

/** By the words of `Counts.shown`, one cell and one filter at a time. */
function plainlyFails({ columns }: Dataset, filter: Filter, row: number): boolean {
  const column = columns.numbers(filter.column);
  if (!column) return false;
  if ("off" in filter) return filter.off.includes(columns.code(column, row));
  if (column.spec.group === "result" && columns.state[row] === CELL.notRun) return false;
  const value = column.values[row] as number;
  if ("above" in filter) return !(value > filter.above);
  return !(value >= filter.from && value <= filter.to);
}

test.each([1, 2, 3, 4])("each cell fails as many filters as it should (seed %i)", (seed) => {
  const next = randomOf(seed);
  const data = datasetOf(200, seed);
  const filters = FILTERS.filter(() => next() < 0.6);
  const fails = new Uint8Array(200);
  const shown = filterAll(data.columns, filters, fails);
  const expected = Array.from(
    { length: 200 },
    (_, row) => filters.filter((one) => plainlyFails(data, one, row)).length,
  );
  expect([...fails]).toEqual(expected);
  expect(shown).toBe(expected.filter((count) => count === 0).length);
});

test.each([1, 2, 3])("rows that change are filtered as if all were (seed %i)", (seed) => {
  const next = randomOf(seed);
  const data = datasetOf(100, seed, 0.3);
  const fails = new Uint8Array(100);
  let shown = filterAll(data.columns, FILTERS, fails);
  for (let step = 0; step < 5; step++) {
    const rows = rowsOf([...new Set(Array.from({ length: 20 }, () => Math.floor(100 * next())))], next);
    data.columns.takeRows(rows);
    shown += filterRows(data.columns, FILTERS, fails, rows.rows);
  }
  const anew = new Uint8Array(100);
  expect(shown).toBe(filterAll(data.columns, FILTERS, anew));
  expect(fails).toEqual(anew);
});
