import { expect, test } from "vitest";
import { CELL } from "../protocol";
import type { Dataset } from "./dataset";
import { LAYER, Layers } from "./layers";
import { datasetOf, LOOK, randomOf, rowsOf } from "./testing";

const held = (layers: Layers) => layers.all.map(({ rows, count }) => [...rows.subarray(0, count)]);
const sorted = (lists: number[][]) => lists.map((list) => [...list].sort((a, b) => a - b));

function plainLayer({ columns, fails, selected, look }: Dataset, row: number): number {
  if (Number.isNaN(columns.xy[2 * row] as number)) return -1;
  if (fails[row] !== 0) return LAYER.ghost;
  if (columns.state[row] !== CELL.done) return LAYER.hollow;
  const code = columns.code(columns.numbers("label"), row);
  if (look && look.focus >= 0 && look.focus !== code) return LAYER.ghost;
  if (!selected.includes(1)) return LAYER.solid;
  return selected[row] === 1 ? LAYER.selected : LAYER.dimmed;
}

/** With a basis, so that cells have places before they are run. */
function withBasis(seed: number, share: number): Dataset {
  const data = datasetOf(300, seed, share);
  const next = randomOf(seed + 100);
  const values = Float32Array.from({ length: 600 }, () => 10 * next());
  data.takePiece({ column: "xy", start: 0, count: 300, total: 300, values });
  return data;
}

test.each([1, 2, 3, 4])("every cell is in one layer, the right one (seed %i)", (seed) => {
  const data = withBasis(seed, 0.6);
  data.setLook({ ...LOOK, focus: seed % 2 ? 1 : -1, filters: [{ column: "score", from: 0.3, to: 1 }] });
  if (seed > 2) data.select({ by: "rows", rows: Uint32Array.from([1, 5, 9, 100]), mode: "replace" });
  const layers = new Layers(300);
  layers.rebuild(data);
  const rows = Array.from({ length: 300 }, (_, row) => row);
  expect(held(layers)).toEqual(Object.values(LAYER).map((one) => rows.filter((row) => plainLayer(data, row) === one)));
});

test.each([1, 2, 3])("cells that come bring the layers where a rebuild would (seed %i)", (seed) => {
  const next = randomOf(seed);
  const data = withBasis(seed, 0.1);
  data.setLook({ ...LOOK, filters: [{ column: "label", off: [2] }] });
  const layers = new Layers(300);
  layers.rebuild(data);
  data.takeChanged();
  for (let step = 0; step < 6; step++) {
    data.takeRows(rowsOf([...new Set(Array.from({ length: 40 }, () => Math.floor(300 * next())))], next), 2);
    layers.update(...data.takeChanged());
  }
  const anew = new Layers(300);
  anew.rebuild(data);
  expect(sorted(held(layers))).toEqual(sorted(held(anew)));
});

test("new cells lie on top, and only what changed is sent", () => {
  const data = datasetOf(5000, 1, 0);
  const layers = new Layers(5000);
  data.takeRows(rowsOf([...Array(4000).keys()], randomOf(1)), 1);
  layers.rebuild(data);
  const solid = layers.all[LAYER.solid];
  solid?.takeDirty();
  data.takeChanged();
  data.takeRows(rowsOf([4500, 4501, 4502], randomOf(2)), 2);
  layers.update(...data.takeChanged());
  expect(solid?.takeDirty()).toEqual({ from: 4000, to: 4003 });
  expect([...(solid?.rows.subarray(4000, 4003) ?? [])]).toEqual([4500, 4501, 4502]);
  const after = solid?.takeDirty();
  expect((after?.from ?? 0) >= (after?.to ?? 0)).toBe(true);
});

test("numbers lie lowest first, missing ones at the bottom", () => {
  const data = withBasis(3, 1);
  data.setLook({ ...LOOK, color: "obs:counts" });
  const layers = new Layers(300);
  layers.rebuild(data);
  const counts = data.columns.numbers("obs:counts")?.values ?? [];
  const values = (held(layers)[LAYER.solid] ?? []).map((row) => counts[row] as number);
  const firstHeld = values.findIndex((value) => !Number.isNaN(value));
  expect(firstHeld).toBeGreaterThan(0);
  const rest = values.slice(firstHeld);
  expect(rest).toEqual([...rest].sort((a, b) => a - b));
});
