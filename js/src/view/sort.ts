/** The table's order: stable, missing values last in either direction. */
import { type Columns, MISSING, type NumberColumn, type TextColumn } from "./columns";

const LAST = 0xffffffff;
const DIGIT = 0xffff;

/** Sorts `from` by 16 bits of its keys into `to`; returns false, leaving `to` alone, where all have the same. */
function pass(keys: Uint32Array, shift: number, from: Uint32Array, to: Uint32Array): boolean {
  const starts = new Uint32Array(DIGIT + 2);
  for (let i = 0; i < keys.length; i++) {
    const digit = ((keys[i] as number) >>> shift) & DIGIT;
    starts[digit + 1] = (starts[digit + 1] as number) + 1;
  }
  if (keys.length > 0 && starts[(((keys[0] as number) >>> shift) & DIGIT) + 1] === keys.length) return false;
  for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
  for (let i = 0; i < from.length; i++) {
    const row = from[i] as number;
    const digit = ((keys[row] as number) >>> shift) & DIGIT;
    const place = starts[digit] as number;
    starts[digit] = place + 1;
    to[place] = row;
  }
  return true;
}

/** Rows by the 64-bit keys (high, low), lowest first; ties keep the order of the rows. */
export function orderByKeys(high: Uint32Array, low: Uint32Array): Uint32Array {
  let from = Uint32Array.from(high.keys());
  let to = new Uint32Array(from.length);
  for (const keys of [low, high]) for (const shift of [0, 16]) if (pass(keys, shift, from, to)) [from, to] = [to, from];
  return from;
}

/** Keys that sort as the numbers do: the bits of a float64, of which negative ones are turned over. */
function orderOfNumbers({ values, spec }: NumberColumn, descending: boolean): Uint32Array {
  const high = new Uint32Array(values.length).fill(LAST);
  const low = new Uint32Array(values.length).fill(LAST);
  const bits = new DataView(new ArrayBuffer(8));
  const missing = MISSING[spec.dtype];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isNaN(value) || value === missing) continue;
    bits.setFloat64(0, value === 0 ? 0 : value);
    const negative = value < 0;
    const turn = negative !== descending ? LAST : 0;
    high[i] = bits.getUint32(0) ^ turn ^ (negative ? 0 : 0x80000000);
    low[i] = bits.getUint32(4) ^ turn;
  }
  return orderByKeys(high, low);
}

function orderOfText(text: TextColumn, descending: boolean): Uint32Array {
  const words = Array.from({ length: text.length }, (_, row) => text.at(row));
  const sign = descending ? -1 : 1;
  const order = Uint32Array.from(words.keys());
  return order.sort((a, b) => {
    const left = words[a] as string;
    const right = words[b] as string;
    if (left === right) return a - b;
    if (left === "" || right === "") return left === "" ? 1 : -1;
    return left < right ? -sign : sign;
  });
}

/** All rows in the order of a column; null for the order of the dataset, or where the column is not held yet. */
export function orderBy(columns: Columns, id: string | null, descending: boolean): Uint32Array | null {
  if (id === null) return null;
  const text = columns.text(id);
  if (text) return orderOfText(text, descending);
  const column = columns.numbers(id);
  return column ? orderOfNumbers(column, descending) : null;
}

/** The table: rows that pass, in order, the selected ones first if asked. */
export function tableRows(
  order: Uint32Array | null,
  fails: Uint8Array,
  shown: number,
  selected: Uint8Array,
  selectionFirst: boolean,
): Uint32Array {
  const rows = new Uint32Array(shown);
  let place = 0;
  const take = (want: number) => {
    for (let i = 0; i < fails.length; i++) {
      const row = order ? (order[i] as number) : i;
      if (fails[row] === 0 && (want < 0 || selected[row] === want)) rows[place++] = row;
    }
  };
  if (selectionFirst) {
    take(1);
    take(0);
  } else take(-1);
  return rows;
}
