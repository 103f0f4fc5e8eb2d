/** The table's order: stable, missing values last in either direction. Radix passes over typed arrays. */
import type { Columns, NumberColumn, TextColumn } from "./columns";
import { MISSING } from "./dtypes";

const LAST = 0xffffffff;
const DIGIT = 0xffff;
/** Bytes of a text that are sorted by passes; the few that agree in all of them are compared. */
const MOST_BYTES = 64;

function rowNumbers(count: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  return rows;
}

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

/** Rows in an order that is refined by one more significant key after another; ties keep the order they are in. */
class Sorter {
  #spare: Uint32Array<ArrayBuffer>;

  constructor(public rows: Uint32Array<ArrayBuffer>) {
    this.#spare = new Uint32Array(rows.length);
  }

  by(keys: Uint32Array): void {
    for (const shift of [0, 16])
      if (pass(keys, shift, this.rows, this.#spare)) [this.rows, this.#spare] = [this.#spare, this.rows];
  }
}

/** Rows by keys of which the last is the most significant, lowest first; ties keep the order of the rows. */
export function orderByKeys(...keys: Uint32Array[]): Uint32Array {
  const sorter = new Sorter(rowNumbers(keys[0]?.length ?? 0));
  for (const one of keys) sorter.by(one);
  return sorter.rows;
}

/** Keys that sort as the numbers do: the bits of a float64, of which negative ones are turned over. */
function orderOfNumbers({ values, spec }: NumberColumn, descending: boolean): Uint32Array {
  const high = new Uint32Array(values.length).fill(LAST);
  const low = new Uint32Array(values.length).fill(LAST);
  const float = new Float64Array(1);
  // Little-endian, as every machine is that a browser runs on.
  const bits = new Uint32Array(float.buffer);
  const missing = MISSING[spec.dtype];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isNaN(value) || value === missing) continue;
    float[0] = value === 0 ? 0 : value;
    const negative = value < 0;
    const turn = negative !== descending ? LAST : 0;
    high[i] = (bits[1] as number) ^ turn ^ (negative ? 0 : 0x80000000);
    low[i] = (bits[0] as number) ^ turn;
  }
  return orderByKeys(low, high);
}

/** By UTF-8 bytes, which is by code points. */
function orderOfText(text: TextColumn, descending: boolean): Uint32Array {
  const sorter = new Sorter(rowNumbers(text.length));
  const { longest } = text;
  const keys = new Uint32Array(text.length);
  const turn = descending ? LAST : 0;
  for (let from = 4 * Math.ceil(Math.min(longest, MOST_BYTES) / 4) - 4; from >= 0; from -= 4) {
    for (let row = 0; row < keys.length; row++) keys[row] = text.word(row, from) ^ turn;
    sorter.by(keys);
  }
  if (longest > MOST_BYTES) compareTies(text, sorter.rows, descending);
  for (let row = 0; row < keys.length; row++) keys[row] = Number(text.within(row, 0));
  sorter.by(keys);
  return sorter.rows;
}

/** Puts texts in order that are longer than what is sorted by passes, and agree there. */
function compareTies(text: TextColumn, rows: Uint32Array, descending: boolean): void {
  const sign = descending ? -1 : 1;
  const compare = (a: number, b: number) => {
    const [left, right] = [text.at(a), text.at(b)];
    return left === right ? a - b : left < right ? -sign : sign;
  };
  for (let from = 0, to = 1; from < rows.length; from = to++) {
    while (to < rows.length && agree(text, rows[from] as number, rows[to] as number)) to++;
    if (to - from > 1) rows.subarray(from, to).sort(compare);
  }
}

function agree(text: TextColumn, a: number, b: number): boolean {
  if (text.within(a, MOST_BYTES) && text.within(b, MOST_BYTES)) return false;
  for (let from = 0; from < MOST_BYTES; from += 4) if (text.word(a, from) !== text.word(b, from)) return false;
  return true;
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
