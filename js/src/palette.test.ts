import { describe, expect, test } from "vitest";
import { paletteOf, rampOf } from "./palette";
import type { ColumnSpec } from "./protocol";
import { luminance } from "./ui/theme";

const column = (count: number, colors?: string[]): ColumnSpec => ({
  id: "label",
  name: "label",
  kind: "category",
  group: "result",
  dtype: "u1",
  categories: Array.from({ length: count }, (_, i) => `c${i}`),
  colors,
});

const distinct = (colors: unknown[]) => new Set(colors.map(String)).size;

describe("categories", () => {
  test("the dataset's own colours win", () => {
    expect(paletteOf(column(2, ["#ff0000", "#00FF7f"]), false)).toEqual([
      [255, 0, 0],
      [0, 255, 127],
    ]);
  });

  test("our own light colours, as bundles hold them, are shown in their dark tuning on a dark ground", () => {
    const own = column(2, ["#6E87ca", "#ff0000"]);
    expect(paletteOf(own, true)).toEqual([paletteOf(column(2), true)[0], [255, 0, 0]]);
    expect(paletteOf(own, false)).toEqual([paletteOf(column(2), false)[0], [255, 0, 0]]);
  });

  test.each([[["#ff0000"]], [["#ff0000", "red"]], [["#ff0000", "url(x)"]]])(
    "%j are not two colours: ours serve",
    (own) => {
      expect(paletteOf(column(2, own), false)).toEqual(paletteOf(column(2), false));
    },
  );

  test("cells without a label are grey, whatever the others have", () => {
    const labels = { ...column(21), unassigned: true };
    expect(paletteOf(labels, false).slice(0, 20)).toEqual(paletteOf(column(20), false));
    expect(distinct(paletteOf(labels, true))).toBe(21);
    expect(paletteOf({ ...column(3, ["#ff0000", "#00ff00"]), unassigned: true }, false)[2]).toEqual([154, 154, 154]);
  });

  test("twenty have twenty colours, tuned to the ground", () => {
    expect(distinct(paletteOf(column(20), false))).toBe(20);
    expect(distinct(paletteOf(column(20), true))).toBe(20);
    expect(paletteOf(column(20), true)).not.toEqual(paletteOf(column(20), false));
  });

  test("more have scanpy's long palette, and beyond its end it begins again", () => {
    const many = paletteOf(column(104), false);
    expect(many[0]).toEqual([255, 255, 0]);
    expect(many[101]).toEqual([0x32, 0x4e, 0x72]);
    expect(distinct(many)).toBe(102);
    expect(many[102]).toEqual(many[0]);
  });
});

describe("ramps", () => {
  test.each([
    ["result", false],
    ["result", true],
    ["obs", false],
    ["obs", true],
  ] as const)("high stands off the page: %s, dark %s", (group, dark) => {
    const ramp = rampOf(group, dark);
    expect(ramp).toHaveLength(256);
    // Neighbours may round to each other's side.
    const light = ramp.filter((_, i) => i % 15 === 0).map(luminance);
    const rising = light.every((value, i) => i === 0 || (dark ? value > light[i - 1]! : value < light[i - 1]!));
    expect(rising).toBe(true);
  });
});
