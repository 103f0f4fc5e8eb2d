import { expect, test } from "vitest";
import type { Select } from "./api";
import { inPolygon, simplify, toBits } from "./select";
import { datasetOf, LOOK, randomOf } from "./testing";

const SQUARE = Float32Array.from([2, 2, 8, 2, 8, 8, 2, 8]);

const selectedRows = (selected: Uint8Array) => [...selected.keys()].filter((row) => selected[row] === 1);

/** Winding by angles: slow, and a different way than the one tested. */
function plainlyInside(x: number, y: number, polygon: Float32Array): boolean {
  let turned = 0;
  const count = polygon.length / 2;
  for (let i = 0; i < count; i++) {
    const j = (i + 1) % count;
    const from = Math.atan2((polygon[2 * i + 1] as number) - y, (polygon[2 * i] as number) - x);
    let turn = Math.atan2((polygon[2 * j + 1] as number) - y, (polygon[2 * j] as number) - x) - from;
    if (turn > Math.PI) turn -= 2 * Math.PI;
    if (turn < -Math.PI) turn += 2 * Math.PI;
    turned += turn;
  }
  return Math.abs(turned) > Math.PI;
}

/** A star without crossings. */
function star(next: () => number, corners: number): Float32Array {
  return Float32Array.from(
    Array.from({ length: corners }, (_, i) => {
      const [angle, radius] = [(2 * Math.PI * i) / corners, 1 + 4 * next()];
      return [5 + radius * Math.cos(angle), 5 + radius * Math.sin(angle)];
    }).flat(),
  );
}

test.each([1, 2, 3, 4, 5])("a lasso takes what is inside and passes (seed %i)", (seed) => {
  const next = randomOf(seed);
  const data = datasetOf(600, seed);
  data.setLook({ ...LOOK, filters: [{ column: "label", off: [1] }] });
  const polygon = star(next, 3 + Math.floor(40 * next()));
  data.select({ by: "lasso", polygon, mode: "replace" });
  const { xy } = data.columns;
  const expected = [...data.fails.keys()].filter(
    (row) => data.fails[row] === 0 && plainlyInside(xy[2 * row] as number, xy[2 * row + 1] as number, polygon),
  );
  expect(selectedRows(data.selected)).toEqual(expected);
});

test("a long lasso is thinned without changing much", () => {
  const circle = Float32Array.from({ length: 4000 }, (_, i) => {
    const angle = (2 * Math.PI * (i >> 1)) / 2000;
    return i & 1 ? Math.sin(angle) : Math.cos(angle);
  });
  const few = simplify(circle);
  expect(few.length).toBeLessThanOrEqual(256);
  const next = randomOf(9);
  for (let i = 0; i < 500; i++) {
    const [x, y] = [3 * next() - 1.5, 3 * next() - 1.5];
    const radius = Math.hypot(x, y);
    if (Math.abs(radius - 1) > 0.01) expect(inPolygon(x, y, few)).toBe(radius < 1);
  }
});

test("the other half of a lasso adds and removes", () => {
  const data = datasetOf(300, 4);
  data.select({ by: "lasso", polygon: SQUARE, mode: "replace" });
  const inside = selectedRows(data.selected);
  const left = Float32Array.from([0, 0, 5, 0, 5, 10, 0, 10]);
  data.select({ by: "lasso", polygon: left, mode: "remove" });
  expect(selectedRows(data.selected)).toEqual(inside.filter((row) => (data.columns.xy[2 * row] as number) >= 5));
  data.select({ by: "lasso", polygon: left, mode: "add" });
  for (const row of inside) expect(data.selected[row]).toBe(1);
});

test("rows replace, add, remove and toggle", () => {
  const data = datasetOf(10, 1);
  const step = (mode: "replace" | "add" | "remove" | "toggle", ...rows: number[]) => {
    data.select({ by: "rows", rows: Uint32Array.from(rows), mode });
    return selectedRows(data.selected);
  };
  expect(step("replace", 1, 2, 99)).toEqual([1, 2]);
  expect(step("add", 5)).toEqual([1, 2, 5]);
  expect(step("toggle", 1, 6)).toEqual([2, 5, 6]);
  expect(step("remove", 2)).toEqual([5, 6]);
  expect(step("replace", 0)).toEqual([0]);
});

test("a range is of the table as it stood, even where the selection stands first", () => {
  const data = datasetOf(20, 2);
  data.setSort({ column: "obs:counts", descending: true, selectionFirst: true });
  data.select({ by: "rows", rows: Uint32Array.from([3, 17]), mode: "replace" });
  const { rows } = data.slice(0, 5, []);
  data.select({ by: "range", from: 4, to: 1, mode: "replace" });
  expect(selectedRows(data.selected)).toEqual([...rows.subarray(1, 5)].sort((a, b) => a - b));
});

test("a category, all that pass, and none", () => {
  const data = datasetOf(100, 6);
  data.setLook({ ...LOOK, filters: [{ column: "obs:batch", off: [0] }] });
  const label = data.columns.numbers("label");
  const passing = [...data.fails.keys()].filter((row) => data.fails[row] === 0);
  data.select({ by: "category", column: "label", code: 2, mode: "replace" });
  expect(selectedRows(data.selected)).toEqual(passing.filter((row) => data.columns.code(label, row) === 2));
  data.select({ by: "all" });
  expect(selectedRows(data.selected)).toEqual(passing);
  data.select({ by: "none" });
  expect(selectedRows(data.selected)).toEqual([]);
});

test("bits survive the way there and back, and short ones select no more than they say", () => {
  const data = datasetOf(21, 7);
  const select: Select = { by: "rows", rows: Uint32Array.from([0, 7, 8, 20]), mode: "replace" };
  const { bits, count } = data.select(select);
  expect([bits.length, count]).toEqual([3, 4]);
  data.select({ by: "none" });
  data.select({ by: "bits", bits });
  expect(selectedRows(data.selected)).toEqual([0, 7, 8, 20]);
  data.select({ by: "bits", bits: bits.subarray(0, 1) });
  expect(selectedRows(data.selected)).toEqual([0, 7]);
  expect(toBits(new Uint8Array(0))).toEqual({ bits: new Uint8Array(0), count: 0 });
});
