import { describe, expect, test } from "vitest";
import type { ColumnSpec } from "../../protocol";
import { CHECK_WIDTH, inSight, tableColumns } from "./columns";
import { nextSort, step } from "./keys";

const spec = (id: string, kind: ColumnSpec["kind"], group: ColumnSpec["group"]): ColumnSpec => ({
  id,
  name: id,
  kind,
  group,
  dtype: "f4",
});

const SPECS = [
  spec("obs:region", "category", "obs"),
  spec("xy", "xy", "layout"),
  spec("label", "category", "result"),
  spec("second_score", "number", "result"),
  spec("cell", "text", "name"),
  spec("obs:a_name_that_is_really_far_too_long_for_any_table", "number", "obs"),
];

describe("columns", () => {
  const columns = tableColumns(SPECS, true);

  test("name, then result, then obs; what is not to be read stays out", () => {
    expect(columns.map(({ spec: { id } }) => id)).toEqual(["cell", "label", SPECS[0]!.id, SPECS[5]!.id]);
  });

  test("stand side by side, none too wide", () => {
    let left = CHECK_WIDTH;
    for (const column of columns) {
      expect(column.left).toBe(left);
      expect(column.width).toBeLessThanOrEqual(200);
      left += column.width;
    }
  });

  test("only those in sight are asked for, and the sticky one", () => {
    const far = inSight(columns, columns[3]!.left, 50).map(({ spec: { id } }) => id);
    expect(far).toEqual(["cell", SPECS[5]!.id]);
  });
});

describe("keys", () => {
  const grid = { rows: 100, cols: 5, page: 10 };
  test.each([
    ["ArrowDown", false, [99, 0], [99, 0]],
    ["ArrowUp", false, [0, 2], [-1, 2]],
    ["ArrowLeft", false, [3, 0], [3, 0]],
    ["PageUp", false, [4, 1], [0, 1]],
    ["PageDown", false, [95, 1], [99, 1]],
    ["End", false, [3, 1], [3, 4]],
    ["Home", true, [50, 3], [0, 0]],
    ["End", true, [50, 3], [99, 4]],
  ] as const)("%s (control %s) from %j leads to %j", (key, control, from, to) => {
    expect(step(key, control, { row: from[0], col: from[1] }, grid)).toEqual({ row: to[0], col: to[1] });
  });

  test("other keys lead nowhere", () => expect(step("x", false, { row: 0, col: 0 }, grid)).toBeNull());
});

test("sorting: up, down, as it came", () => {
  const up = nextSort({ column: "label", descending: false }, "score");
  const down = nextSort(up, "score");
  expect([up, down, nextSort(down, "score")]).toEqual([
    { column: "score", descending: false },
    { column: "score", descending: true },
    { column: null, descending: false },
  ]);
});
