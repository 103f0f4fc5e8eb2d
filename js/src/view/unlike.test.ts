import { expect, test } from "vitest";
import { CELL, type RunState, type Schema } from "../protocol";
import { Dataset } from "./dataset";
import { LAYER, Layers } from "./layers";
import { LOOK, schemaOf } from "./testing";
import { countUnlike } from "./unlike";

/** Six cells: four done, one failed, one not run; distances 0.5, 1.5, missing, 3, 9 and none. */
function dataset(limit: number | null): Dataset {
  const plain = schemaOf(6);
  const distance = { id: "distance", name: "distance", kind: "number", group: "result", dtype: "f4" } as const;
  const schema: Schema = {
    ...plain,
    columns: [...plain.columns, distance],
    layout: { ...plain.layout, distance_limit: limit },
  };
  const data = new Dataset(schema, { status: "done" } as RunState);
  const { done, failed } = CELL;
  data.takeRows(
    {
      run: schema.run,
      rows: Uint32Array.of(0, 1, 2, 3, 4),
      columns: [
        { id: "state", values: Uint8Array.of(done, done, done, done, failed) },
        { id: "xy", values: Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3, 4, 4) },
        { id: "label", values: Uint8Array.of(0, 1, 0, 1, 0) },
        { id: "distance", values: Float32Array.of(0.5, 1.5, Number.NaN, 3, 9) },
      ],
    },
    0,
  );
  data.setLook({ ...LOOK, color: "label", filters: [], focus: -1 });
  return data;
}

const selectedOf = (data: Dataset) => [...data.selected.keys()].filter((row) => data.selected[row] === 1);

test("cells beyond the limit are counted, once they are done", () => {
  expect(countUnlike(dataset(1).columns)).toBe(2);
  expect(dataset(1).counts().unlike).toBe(2);
  expect(dataset(3).counts().unlike).toBe(0);
  expect(dataset(null).counts().unlike).toBeNull();
});

test("a limit selects the cells above it that pass the filters", () => {
  const data = dataset(1);
  expect(data.select({ by: "above", column: "distance", limit: 1, mode: "replace" }).count).toBe(3);
  expect(selectedOf(data)).toEqual([1, 3, 4]);
  data.setLook({ ...LOOK, color: "label", focus: -1, filters: [{ column: "label", off: [1] }] });
  data.select({ by: "above", column: "distance", limit: 0, mode: "replace" });
  expect(selectedOf(data)).toEqual([0, 4]);
  data.select({ by: "above", column: "no such column", limit: 0, mode: "replace" });
  expect(selectedOf(data)).toEqual([]);
});

test("they lie on top where categories are shown, and are as others where numbers are", () => {
  const rowsOf = (data: Dataset, layer: number) => {
    const layers = new Layers(6);
    layers.rebuild(data);
    const { rows, count } = layers.all[layer] as Layers["all"][number];
    return [...rows.subarray(0, count)].sort();
  };
  const data = dataset(1);
  expect(rowsOf(data, LAYER.unlike)).toEqual([1, 3]);
  expect(rowsOf(data, LAYER.solid)).toEqual([0, 2]);
  data.setLook({ ...LOOK, color: "score", filters: [], focus: -1 });
  expect(rowsOf(data, LAYER.unlike)).toEqual([]);
  expect(rowsOf(data, LAYER.solid)).toEqual([0, 1, 2, 3]);
});

test("where training cells stand alone, these are what is pointed at", () => {
  const data = dataset(1);
  const values = Float32Array.of(0.2, 0.2, 5, 5);
  const piece = { column: "reference", start: 0, count: 2, total: 2, values, labels: Uint16Array.of(1, 0) };
  data.takePiece(piece);
  expect(data.pointAt(0.1, 0.1, 1)).toMatchObject({ row: 0 });
  data.setLook({ ...LOOK, show: "reference", filters: [], focus: -1 });
  expect(data.pointAt(0.1, 0.1, 1)).toMatchObject({ row: -1, label: 1, name: "" });
  expect(data.pointAt(3, 3, 1)).toBeNull();
  data.setLook({ ...LOOK, show: "reference", focus: -1, filters: [{ column: "label", off: [1] }] });
  expect(data.pointAt(0.1, 0.1, 1)).toBeNull();
});
