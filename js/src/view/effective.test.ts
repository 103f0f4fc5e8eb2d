import { describe, expect, test } from "vitest";
import type { ColumnSpec, Schema } from "../protocol";
import { confusionOf } from "./confusion";
import { Dataset } from "./dataset";
import { MISSING } from "./dtypes";
import { AGREEMENT, kindsOf, unassignedCode } from "./effective";
import { CATEGORIES, COLUMNS, LOOK, randomOf, rowsOf, schemaOf, stateOf } from "./testing";

const N = 500;
const NAMES = ["B", "a stranger", "T"];
const TRUTH = { column: "obs:known", codes: NAMES.map((name) => CATEGORIES.indexOf(name)) };

const category = (id: string, categories: string[], more: Partial<ColumnSpec> = {}): ColumnSpec => ({
  id,
  name: id,
  kind: "category",
  group: "result",
  dtype: "u1",
  categories,
  ...more,
});

const SPECS = COLUMNS.map((spec) =>
  spec.id === "label" ? category("label", [...CATEGORIES, "unassigned"], { unassigned: true }) : spec,
);

const SCHEMA: Schema = {
  ...schemaOf(N),
  columns: [
    ...SPECS,
    { ...(COLUMNS.find(({ id }) => id === "score") as ColumnSpec), id: "margin" },
    category("agreement", ["agrees", "disagrees", "unassigned", "stranger", "unknown"]),
    category("obs:known", NAMES, { group: "obs" }),
  ],
  truth: TRUTH,
};

const known = Uint8Array.from({ length: N }, (_, row) => (row % 11 === 0 ? MISSING.u1 : row % 3));

/** Cells of which some are run, in two frames with the known labels between them. */
function dataset(threshold = 0): { data: Dataset; said: Map<number, number>; score: Map<number, number> } {
  const next = randomOf(3);
  const data = new Dataset(SCHEMA, stateOf("running"));
  data.setLook({ ...LOOK, threshold });
  const rows = Array.from({ length: N }, (_, row) => row).filter(() => next() < 0.8);
  const [said, score] = [new Map<number, number>(), new Map<number, number>()];
  const take = (some: number[]) => {
    const frame = rowsOf(some, next);
    const values = (id: string) => frame.columns.find((column) => column.id === id)?.values as Float32Array;
    for (const [i, row] of some.entries()) {
      said.set(row, values("label")[i] as number);
      score.set(row, values("score")[i] as number);
    }
    data.takeRows(
      { ...frame, columns: [...frame.columns, { id: "second_score", values: values("score").slice() }] },
      1,
    );
  };
  take(rows.slice(0, 200));
  data.takePiece({ column: "obs:known", start: 0, count: N, total: N, values: known });
  take(rows.slice(200));
  return { data, said, score };
}

const labels = ({ columns }: Dataset) =>
  Array.from({ length: N }, (_, row) => columns.code(columns.numbers("label"), row));
const code = (value: number | undefined) => (value === undefined || value === MISSING.u1 ? -1 : value);

describe("labels above the threshold", () => {
  test.each([0, 0.5, 0.55, 1])("threshold %d: what is said, but for cells with a lower score", (threshold) => {
    const { data, said, score } = dataset(threshold);
    const expected = Array.from({ length: N }, (_, row) =>
      code(said.get(row)) >= 0 && (score.get(row) as number) < Math.fround(threshold)
        ? CATEGORIES.length
        : code(said.get(row)),
    );
    expect(labels(data)).toEqual(expected);
  });

  test("the way there does not matter, and back at nought all is as the model said", () => {
    const { data } = dataset();
    const before = labels(data);
    for (const threshold of [0.9, 0.2, 0.55]) data.setLook({ ...LOOK, threshold });
    expect(labels(data)).toEqual(labels(dataset(0.55).data));
    data.setLook(LOOK);
    expect(labels(data)).toEqual(before);
  });

  test("counts, filters, the table and the selection follow", () => {
    const { data } = dataset();
    const only = { ...LOOK, filters: [{ column: "label", off: [0, 1, 2] }] };
    data.setLook({ ...only, threshold: 0.5 });
    const unassigned = labels(data).filter((label) => label === 3).length;
    expect(unassigned).toBeGreaterThan(0);
    expect(data.counts().categories?.[3]).toBe(unassigned);
    const nowhere = labels(data).filter((label) => label === -1).length;
    expect(data.shown).toBe(unassigned + nowhere);
    expect(data.slice(0, N, []).total).toBe(data.shown);
    expect(data.select({ by: "category", column: "label", code: 3, mode: "replace" }).count).toBe(unassigned);
    data.setLook({ ...only, threshold: 0 });
    expect(data.shown).toBe(nowhere);
  });

  test("a table that is sorted by label is sorted anew", () => {
    const { data } = dataset();
    data.setSort({ column: "label", descending: true, selectionFirst: false });
    data.slice(0, 1, []);
    data.setLook({ ...LOOK, threshold: 0.5 });
    const first = data.slice(0, 20, ["label"]).columns.label as Int32Array;
    expect([...first]).toEqual(Array(20).fill(3));
  });

  test("who points at an unassigned cell is told the best label in the second place", () => {
    const { data, said, score } = dataset(0.6);
    const row = labels(data).indexOf(3);
    const pointed = data.pointed(row);
    expect(pointed).toMatchObject({ label: 3, second: said.get(row) });
    expect(pointed?.secondScore).toBe(score.get(row));
    expect(pointed?.score).toBeNaN();
  });

  test("labels that know no threshold stay", () => {
    const data = new Dataset(schemaOf(3), stateOf("running"));
    data.setLook({ ...LOOK, threshold: 1 });
    data.takeRows(rowsOf([0, 1, 2], randomOf(1)), 1);
    expect(data.counts().categories).toHaveLength(3);
    expect(unassignedCode(SPECS[0] as ColumnSpec)).toBe(-1);
    expect(kindsOf(data.columns.spec("label") as ColumnSpec)).toBe(3);
  });
});

test("a margin is the score over the second's", () => {
  const { data, score } = dataset();
  const margin = data.columns.numbers("margin");
  for (const [row, value] of score) if (!Number.isNaN(value)) expect(data.columns.number(margin, row)).toBe(0);
});

describe.each([0, 0.5])("against known labels, threshold %d", (threshold) => {
  const { data } = dataset(threshold);
  const said = labels(data);
  const expected = said.map((label, row) => {
    const name = known[row] as number;
    if (label < 0) return -1;
    if (name === MISSING.u1) return AGREEMENT.unknown;
    const wanted = TRUTH.codes[name] as number;
    if (wanted < 0) return AGREEMENT.stranger;
    if (label === 3) return AGREEMENT.unassigned;
    return label === wanted ? AGREEMENT.agrees : AGREEMENT.disagrees;
  });

  test("each cell agrees or not", () => {
    const { columns } = data;
    const agreement = columns.numbers("agreement");
    expect(Array.from({ length: N }, (_, row) => columns.code(agreement, row))).toEqual(expected);
  });

  test("cells are counted by both, and each count is that of the cells a click selects", () => {
    const counts = confusionOf(data.columns) as Uint32Array;
    expect(counts).toHaveLength(NAMES.length * 4);
    for (let name = 0; name < NAMES.length; name++)
      for (let label = 0; label < 4; label++) {
        const columns: [string, string] = ["obs:known", "label"];
        const { count } = data.select({ by: "pair", columns, codes: [name, label], mode: "replace" });
        expect(counts[name * 4 + label]).toBe(count);
      }
    expect(data.counts().confusion).toEqual(counts);
  });
});

test("without known labels nothing is compared", () => {
  expect(confusionOf(new Dataset(schemaOf(3), stateOf("idle")).columns)).toBeNull();
});

test("known labels that come after the results are seen in what derives from them", () => {
  const data = new Dataset(SCHEMA, stateOf("done"));
  const rows = Array.from({ length: N }, (_, row) => row);
  const filters = [{ column: "agreement", off: [1, 2, 3, 4] }];
  data.setLook({ ...LOOK, color: "agreement", filters });
  data.setSort({ column: "agreement", descending: false, selectionFirst: false });
  data.takeRows(rowsOf(rows, randomOf(5)), 1);
  expect(data.slice(0, N, ["agreement"]).total).toBe(N);
  data.takeChanged();
  const { style } = data.version;
  data.takePiece({ column: "obs:known", start: 0, count: N, total: N, values: known });
  const codes = Array.from(data.columns.numbers("agreement")?.values ?? []);
  expect(codes).toContain(AGREEMENT.agrees);
  expect(data.slice(0, N, ["agreement"]).total).toBe(codes.filter((code) => !filters[0]?.off.includes(code)).length);
  expect(data.takeChanged()).toEqual([0, N]);
  expect(data.version.style).toBeGreaterThan(style);
});
