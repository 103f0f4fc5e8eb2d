import { describe, expect, test } from "vitest";
import type { ColumnSpec } from "../../protocol";
import { figuresOf } from "./figures";

const LABEL: ColumnSpec = {
  id: "label",
  name: "label",
  kind: "category",
  group: "result",
  dtype: "u1",
  categories: ["T", "B", "NK", "unassigned"],
  unassigned: true,
};
/** Names: NK, stranger, T. */
const TRUTH = { column: "obs:known", codes: [2, -1, 0] };

describe("figures", () => {
  // Columns: T, B, NK, unassigned.
  const figures = figuresOf(Uint32Array.of(1, 0, 6, 1, 3, 0, 0, 0, 8, 2, 0, 0), TRUTH, LABEL);

  test("rows follow the model's classes, strangers come last", () => {
    expect(figures.rows.map(({ name }) => name)).toEqual([2, 0, 1]);
    expect(figures.columns).toEqual([0, 1, 2, 3]);
    const [first] = figures.rows;
    expect(first && figures.at(first, 1)).toBe(2);
  });

  test("strangers count in no figure, unassigned cells as missed", () => {
    expect(figures).toMatchObject({ total: 18, right: 14, assigned: 17, wrong: 3, strangers: 3 });
    const [t, b, nk] = figures.classes;
    expect(t).toMatchObject({ support: 10, predicted: 9, precision: 8 / 9, recall: 0.8 });
    expect(b).toMatchObject({ support: 0, predicted: 2, precision: 0 });
    expect(b?.recall).toBeNaN();
    expect(nk).toMatchObject({ support: 8, predicted: 6, precision: 1, recall: 0.75 });
    expect(figures.macroF1).toBeCloseTo((16 / 19 + 12 / 14) / 2);
  });

  test("what has no cells is not listed", () => {
    const few = figuresOf(Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0), TRUTH, LABEL);
    expect(few.rows.map(({ name }) => name)).toEqual([2]);
    expect(few.columns).toEqual([0]);
    expect(few.classes.map(({ code }) => code)).toEqual([0]);
  });

  test("only strangers", () => {
    const none = figuresOf(Uint32Array.of(0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0), TRUTH, LABEL);
    expect(none).toMatchObject({ total: 0, strangers: 4, columns: [0, 1] });
    expect(none.macroF1).toBeNaN();
  });
});
