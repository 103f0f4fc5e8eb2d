import { describe, expect, test } from "vitest";
import type { NumberColumn } from "./columns";
import { meansByLabel } from "./means";
import { rangeOf } from "./range";
import { datasetOf } from "./testing";

const column = (group: "obs" | "gene", ...values: number[]): NumberColumn => ({
  spec: { id: "x", name: "x", kind: "number", group, dtype: "f4" },
  values: Float32Array.from(values),
  held: values.length,
});

describe("ranges", () => {
  test("a gene's begins at the least that was detected, another column's at its least", () => {
    expect(rangeOf(column("gene", 0, 2, NaN, 5))).toEqual([2, 5]);
    expect(rangeOf(column("obs", 0, 2, NaN, 5))).toEqual([0, 5]);
  });

  test("a gene that nothing expresses, and one that is not here yet, have none", () => {
    expect(rangeOf(column("gene", 0, 0))).toBeNull();
    expect(rangeOf({ ...column("gene", 1, 2), held: 0 })).toBeNull();
  });
});

test("means by label are those of a plain count, over cells that pass", () => {
  const { columns } = datasetOf(200, 4);
  const gene = column("gene", ...Array.from({ length: 200 }, (_, row) => (row % 11 === 0 ? NaN : (row * 7) % 5)));
  const fails = Uint8Array.from({ length: 200 }, (_, row) => Number(row % 3 === 0));
  const label = columns.numbers("label");
  const means = meansByLabel(columns, gene, fails);
  for (const code of [0, 1, 2]) {
    const rows = Array.from({ length: 200 }, (_, row) => row).filter(
      (row) => fails[row] === 0 && columns.code(label, row) === code && !Number.isNaN(gene.values[row]),
    );
    const sum = rows.reduce((total, row) => total + (gene.values[row] as number), 0);
    expect(means?.[code]).toBeCloseTo(sum / rows.length);
  }
});
