import { describe, expect, test } from "vitest";
import type { ColumnSpec } from "../../protocol";
import { byCount, isolated, listed, toggled } from "./hide";
import { colorGroups, type Group } from "./options";
import { moved, shareOf } from "./range";

describe("switching categories off", () => {
  test("a click leaves only this one, a second one brings all back", () => {
    const only = isolated(new Set(), 2, 4);
    expect([...only].sort()).toEqual([0, 1, 3]);
    expect(isolated(only, 2, 4).size).toBe(0);
  });

  test("a click on another one moves the isolation there", () => {
    expect(isolated(isolated(new Set(), 2, 4), 0, 4)).toEqual(new Set([1, 2, 3]));
  });

  test("a control-click changes one and leaves the argument alone", () => {
    const off = new Set([1]);
    expect(toggled(off, 1)).toEqual(new Set());
    expect(toggled(off, 2)).toEqual(new Set([1, 2]));
    expect(off).toEqual(new Set([1]));
  });
});

test("largest first, equal ones in the dataset's order", () => {
  expect(byCount([3, 9, 3, 0])).toEqual([1, 0, 2, 3]);
});

test("cells without a label are listed last, once there is a threshold", () => {
  const column = { categories: ["a", "b", "unassigned"], unassigned: true } as ColumnSpec;
  expect(listed(column, [1, 2, 9], 0)).toEqual([1, 0]);
  expect(listed(column, [1, 2, 9], 0.5)).toEqual([1, 0, 2]);
  expect(listed({ ...column, unassigned: false }, [1, 2, 9], 0.5)).toEqual([2, 1, 0]);
});

describe("colour ranges", () => {
  test("the ends neither cross nor leave the whole", () => {
    expect(moved([2, 8], 0, 20, [0, 10])).toEqual([7.8, 8]);
    expect(moved([2, 8], 0, -5, [0, 10])).toEqual([0, 8]);
    expect(moved([2, 8], 1, 0, [0, 10])).toEqual([2, 2.2]);
    expect(moved([2, 8], 1, 99, [0, 10])).toEqual([2, 10]);
  });

  test("a column of one value has no shares", () => expect(shareOf(3, [3, 3])).toBe(0));
});

test("one colours by categories and numbers, found by any part of the name", () => {
  const column = (id: string, kind: ColumnSpec["kind"], group: ColumnSpec["group"]): ColumnSpec => ({
    id,
    name: id,
    kind,
    group,
    dtype: "f4",
  });
  const columns = [
    column("cell", "text", "name"),
    column("label", "category", "result"),
    column("n_genes", "number", "obs"),
    column("notes", "text", "obs"),
  ];
  const none = { genes: [], count: 0 };
  const ids = (groups: Group[]) => groups.map(({ columns: c }) => c.map(({ id }) => id));
  expect(ids(colorGroups(columns, "", none, 0))).toEqual([["label"], ["n_genes"]]);
  expect(colorGroups(columns, " GENES ", none, 0).map(({ title }) => title)).toEqual(["obs"]);
  expect(colorGroups(columns, "nothing", none, 9)).toEqual([]);
});

test("genes are found by typing, and what is not listed is counted", () => {
  const found = { genes: ["CD4", "CD40"], count: 31 };
  const [genes] = colorGroups([], "cd4", found, 1_234);
  expect(genes?.columns).toEqual([
    { id: "gene:CD4", name: "CD4", kind: "number", group: "gene", dtype: "f4" },
    { id: "gene:CD40", name: "CD40", kind: "number", group: "gene", dtype: "f4" },
  ]);
  expect(genes?.more).toBe("and 29 more that fit");
  const [untyped] = colorGroups([], "", { genes: [], count: 0 }, 1_234);
  expect(untyped?.more).toBe("Type to find one of 1,234");
});
