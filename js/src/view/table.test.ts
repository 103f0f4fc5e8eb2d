import { expect, test } from "vitest";
import { datasetOf, LOOK, randomOf, rowsOf, stateOf } from "./testing";

test("a slice has the asked columns, as they are held", () => {
  const data = datasetOf(30, 1);
  const slice = data.slice(10, 5, ["label", "score", "obs:batch", "cell", "obs:none"]);
  expect([...slice.rows]).toEqual([10, 11, 12, 13, 14]);
  expect([slice.start, slice.total]).toEqual([10, 30]);
  const { columns } = data;
  expect(slice.columns.label).toEqual(
    Int32Array.from(slice.rows, (row) => columns.code(columns.numbers("label"), row)),
  );
  expect(slice.columns.score).toEqual(
    Float64Array.from(slice.rows, (row) => columns.numbers("score")?.values[row] as number),
  );
  expect([slice.columns.cell, slice.columns["obs:none"]]).toEqual([null, null]);
});

test("a slice beyond the end is empty, and one across it is short", () => {
  const data = datasetOf(10, 1);
  expect(data.slice(8, 5, []).rows).toHaveLength(2);
  expect(data.slice(50, 5, [])).toMatchObject({ start: 10, total: 10, rows: new Uint32Array(0) });
  expect(data.slice(-3, 2, []).start).toBe(0);
});

test("a row's position is where its slice has it; filtered out it has none", () => {
  const data = datasetOf(50, 3);
  data.setSort({ column: "obs:counts", descending: true, selectionFirst: false });
  data.setLook({ ...LOOK, filters: [{ column: "obs:batch", off: [1] }] });
  const { rows } = data.slice(0, 50, []);
  rows.forEach((row, position) => {
    expect(data.locate(row)).toBe(position);
  });
  const out = [...data.fails.keys()].find((row) => data.fails[row] !== 0) as number;
  expect(data.locate(out)).toBe(-1);
});

test("a table sorted by what a run fills is sorted anew at the end, if not before", () => {
  const next = randomOf(4);
  const data = datasetOf(100, 4, 0.2);
  data.setSort({ column: "score", descending: false, selectionFirst: false });
  data.slice(0, 100, []);
  data.takeRows(rowsOf([...Array(100).keys()], next), 2);
  expect([...data.slice(0, 100, []).rows].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
  data.setRun(stateOf("done"));
  const { columns } = data.slice(0, 100, ["score"]);
  const scores = [...((columns.score as Float64Array) ?? [])].filter((score) => !Number.isNaN(score));
  expect(scores).toEqual([...scores].sort((a, b) => a - b));
});

test("a column that comes after it was asked to sort, sorts", () => {
  const data = datasetOf(4, 1);
  data.setSort({ column: "obs:counts", descending: false, selectionFirst: false });
  data.slice(0, 4, []);
  const values = Float64Array.from([4, 2, 3, 1]);
  data.takePiece({ column: "obs:counts", start: 0, count: 4, total: 4, values });
  expect([...data.slice(0, 4, []).rows]).toEqual([3, 1, 2, 0]);
});
