/** Made-up cells for tests, the same for the same seed. */
import { CELL, type ColumnSpec, type RunState, type Schema } from "../protocol";
import type { Rows } from "../session/session";
import { schemaOf as baseSchema } from "../testing";
import type { Look } from "./api";
import { Dataset } from "./dataset";
import { MISSING } from "./dtypes";

/** Numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const CATEGORIES = ["T", "B", "NK"];

const spec = (id: string, more: Partial<ColumnSpec>): ColumnSpec => ({
  id,
  name: id,
  kind: "number",
  group: "result",
  dtype: "f4",
  ...more,
});

export const COLUMNS: ColumnSpec[] = [
  spec("cell", { kind: "text", group: "name", dtype: "u1" }),
  spec("state", { kind: "category", dtype: "u1" }),
  spec("xy", { kind: "xy", group: "layout" }),
  spec("label", { kind: "category", dtype: "u1", categories: CATEGORIES }),
  spec("score", {}),
  spec("second", { kind: "category", dtype: "u1", categories: CATEGORIES }),
  spec("second_score", {}),
  spec("obs:batch", { kind: "category", group: "obs", dtype: "u2", categories: ["a", "b"] }),
  spec("obs:counts", { group: "obs", dtype: "f8" }),
];

export function schemaOf(n: number, run = "r1"): Schema {
  const schema = baseSchema(n, COLUMNS, { run });
  return {
    ...schema,
    model: { ...schema.model, classes: CATEGORIES, explains: [] },
    layout: { ...schema.layout, name: "UMAP" },
  };
}

export function stateOf(status: RunState["status"], run = "r1"): RunState {
  return {
    run,
    status,
    engine: "kernel",
    backend: null,
    workers: 0,
    chosen: "",
    phase: "",
    total: 0,
    done: 0,
    failed: 0,
    placed: 0,
    log: 0,
    rate: null,
    elapsed: 0,
    left: null,
    problem: null,
    failures: [],
  } as unknown as RunState;
}

export const LOOK: Look = {
  color: "label",
  palette: [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ],
  ramp: Array.from({ length: 256 }, (_, i) => [i, 0, 255 - i]),
  domain: null,
  focus: -1,
  show: "both",
  filters: [],
  threshold: 0,
};

/** What a kernel says of these rows: all done, at places and with labels by chance. */
export function rowsOf(rows: readonly number[], next: () => number, run = "r1"): Rows {
  const make = (one: () => number) => rows.map(one);
  return {
    run,
    rows: Uint32Array.from(rows),
    columns: [
      { id: "state", values: Uint8Array.from(make(() => CELL.done)) },
      { id: "xy", values: Float32Array.from(rows.flatMap(() => [10 * next(), 10 * next()])) },
      { id: "label", values: Uint8Array.from(make(() => (next() < 0.1 ? MISSING.u1 : Math.floor(3 * next())))) },
      { id: "score", values: Float32Array.from(make(() => (next() < 0.1 ? NaN : Math.round(20 * next()) / 20))) },
    ],
  };
}

/** A dataset of n cells, of which about this share is done. */
export function datasetOf(n: number, seed: number, share = 0.8): Dataset {
  const next = randomOf(seed);
  const data = new Dataset(schemaOf(n), stateOf("running"));
  data.setLook(LOOK);
  const rows = Array.from({ length: n }, (_, row) => row).filter(() => next() < share);
  data.takeRows(rowsOf(rows, next), 1);
  const values = Uint16Array.from({ length: n }, () => (next() < 0.2 ? MISSING.u2 : Math.floor(2 * next())));
  data.takePiece({ column: "obs:batch", start: 0, count: n, total: n, values });
  const counts = Float64Array.from({ length: n }, () => (next() < 0.1 ? NaN : Math.round(1000 * next()) - 300));
  data.takePiece({ column: "obs:counts", start: 0, count: n, total: n, values: counts });
  return data;
}
