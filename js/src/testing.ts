/** A schema for tests. */
import type { ColumnSpec, Schema } from "./protocol";

export const LABEL: ColumnSpec = {
  id: "label",
  name: "label",
  kind: "category",
  group: "result",
  dtype: "u1",
  categories: ["a", "b"],
};
export const SCORE: ColumnSpec = { id: "score", name: "score", kind: "number", group: "result", dtype: "f4" };

export const schemaOf = (n: number, columns: ColumnSpec[], more: Partial<Schema> = {}): Schema => ({
  run: "r1",
  n,
  key: "cellwidget",
  model: {
    name: "m",
    title: "M",
    family: "SIMS",
    version: "1",
    genes: 1,
    classes: ["a", "b"],
    explains: ["occlusion"],
  },
  report: null,
  columns,
  color: "label",
  layout: { source: "model", name: "", reference: 0, distance_limit: null },
  genes: { count: 0, values: "" },
  engines: ["kernel"],
  truth: null,
  ...more,
});
