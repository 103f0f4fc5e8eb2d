import { expect, test } from "vitest";
import { Columns } from "./columns";
import { MISSING } from "./dtypes";
import { orderBy, orderByKeys, tableRows } from "./sort";
import { randomOf, schemaOf } from "./testing";

/** What a sort should do, in the plainest words. */
function plainOrder(values: number[], missing: (value: number) => boolean, descending: boolean): number[] {
  const rows = values.map((_, row) => row);
  const of = (row: number) => values[row] as number;
  return rows.sort((a, b) => {
    if (missing(of(a)) || missing(of(b))) return Number(missing(of(a))) - Number(missing(of(b))) || a - b;
    return (descending ? of(b) - of(a) : of(a) - of(b)) || a - b;
  });
}

const ODD = [0, -0, 1e-310, -1e-310, Number.MAX_VALUE, -Number.MAX_VALUE, Infinity, -Infinity, NaN, 1, 1, -1];

test.each([1, 2, 3, 4, 5, 6])("numbers sort as a plain sort does (seed %i)", (seed) => {
  const next = randomOf(seed);
  const n = Math.floor(400 * next());
  const values = Array.from({ length: n }, () =>
    next() < 0.2 ? (ODD[Math.floor(ODD.length * next())] as number) : (next() - 0.5) * 10 ** Math.floor(12 * next()),
  );
  const columns = new Columns(schemaOf(n));
  columns.takePiece({ column: "obs:counts", start: 0, count: n, total: n, values: Float64Array.from(values) });
  for (const descending of [false, true]) {
    // A plain difference of infinities is NaN: compare those as ranks.
    const ranks = values.map((value) => (value === Infinity ? 1.7e308 : value === -Infinity ? -1.7e308 : value / 2));
    expect([...(orderBy(columns, "obs:counts", descending) ?? [])]).toEqual(
      plainOrder(ranks, Number.isNaN, descending),
    );
  }
});

test("codes sort with missing ones last both ways", () => {
  const columns = new Columns(schemaOf(6));
  const values = Uint16Array.from([1, MISSING.u2, 0, 1, 0, MISSING.u2]);
  columns.takePiece({ column: "obs:batch", start: 0, count: 6, total: 6, values });
  expect([...(orderBy(columns, "obs:batch", false) ?? [])]).toEqual([2, 4, 0, 3, 1, 5]);
  expect([...(orderBy(columns, "obs:batch", true) ?? [])]).toEqual([0, 3, 2, 4, 1, 5]);
});

test.each([1, 2, 3, 4])("text sorts as its code points do, however long (seed %i)", (seed) => {
  const next = randomOf(seed);
  const parts = ["", "A", "a", "zebra", "é", "細胞", "🧬", "-1", "x".repeat(30), "y".repeat(70)];
  const words = Array.from({ length: 200 }, () =>
    Array.from({ length: Math.floor(4 * next()) }, () => parts[Math.floor(parts.length * next())]).join(""),
  );
  const codes = words.map((word) => [...word].map((letter) => letter.codePointAt(0) as number));
  const compare = (a: number[], b: number[]) => {
    const i = a.findIndex((code, at) => code !== b[at]);
    return i < 0 ? a.length - b.length : (a[i] as number) - (b[i] ?? -1);
  };
  const encoded = words.map((word) => new TextEncoder().encode(word));
  const offsets = new Uint32Array(201);
  encoded.forEach((bytes, i) => {
    offsets[i + 1] = (offsets[i] as number) + bytes.length;
  });
  const columns = new Columns(schemaOf(200));
  const bytes = Uint8Array.from(encoded.flatMap((one) => [...one]));
  columns.takePiece({ column: "cell", start: 0, count: 200, total: 200, values: offsets, bytes });
  for (const sign of [1, -1]) {
    const expected = [...words.keys()].sort((a, b) => {
      const [left, right] = [codes[a] as number[], codes[b] as number[]];
      if (left.length === 0 || right.length === 0)
        return Number(left.length === 0) - Number(right.length === 0) || a - b;
      return sign * compare(left, right) || a - b;
    });
    expect([...(orderBy(columns, "cell", sign < 0) ?? [])]).toEqual(expected);
  }
});

test("text sorts by its letters, empty last, ties in their order", () => {
  const columns = new Columns(schemaOf(5));
  const words = ["b", "", "a", "b", "A"];
  const offsets = Uint32Array.from([0, 1, 1, 2, 3, 4]);
  const bytes = new TextEncoder().encode(words.join(""));
  columns.takePiece({ column: "cell", start: 0, count: 5, total: 5, values: offsets, bytes });
  expect([...(orderBy(columns, "cell", false) ?? [])]).toEqual([4, 2, 0, 3, 1]);
  expect([...(orderBy(columns, "cell", true) ?? [])]).toEqual([0, 3, 2, 4, 1]);
});

test("a column that is not held leaves the dataset's order", () => {
  const columns = new Columns(schemaOf(3));
  expect(orderBy(columns, "obs:counts", false)).toBeNull();
  expect(orderBy(columns, null, false)).toBeNull();
});

test("64-bit keys order by both halves", () => {
  const high = Uint32Array.from([1, 0, 1, 0xffffffff, 0]);
  const low = Uint32Array.from([5, 0xffffffff, 4, 0, 0]);
  expect([...orderByKeys(low, high)]).toEqual([4, 1, 2, 0, 3]);
  expect([...orderByKeys(new Uint32Array(0))]).toEqual([]);
});

test("the table has the rows that pass, the selected ones first", () => {
  const fails = Uint8Array.from([0, 1, 0, 0, 2, 0]);
  const selected = Uint8Array.from([0, 1, 0, 1, 0, 1]);
  const order = Uint32Array.from([5, 4, 3, 2, 1, 0]);
  expect([...tableRows(null, fails, 4, selected, false)]).toEqual([0, 2, 3, 5]);
  expect([...tableRows(order, fails, 4, selected, true)]).toEqual([5, 3, 2, 0]);
});
