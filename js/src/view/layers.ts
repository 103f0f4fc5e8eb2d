/** What is drawn in which order: row numbers in layers, from the ground up, kept up to date as cells come. */
import { CELL } from "../protocol";
import type { Look } from "./api";
import type { Columns, NumberColumn } from "./columns";
import { MISSING } from "./dtypes";
import { orderByKeys } from "./sort";
import { unlikeOf } from "./unlike";

export const LAYER = { ghost: 0, dimmed: 1, hollow: 2, solid: 3, unlike: 4, selected: 5 } as const;
const COUNT = 6;
const NONE = COUNT;

export interface Cells {
  columns: Columns;
  fails: Uint8Array;
  selected: Uint8Array;
  look: Look | null;
}

/** The rows of one layer, and which places of it changed since somebody looked. */
export class Layer {
  rows = new Uint32Array(1024);
  count = 0;
  #from = Number.POSITIVE_INFINITY;
  #to = 0;

  put(place: number, row: number): void {
    if (place >= this.rows.length) {
      const grown = new Uint32Array(2 * this.rows.length);
      grown.set(this.rows);
      this.rows = grown;
    }
    this.rows[place] = row;
    if (place < this.#from) this.#from = place;
    if (place >= this.#to) this.#to = place + 1;
  }

  /** Places changed since the last call; empty when `from` is not below `to`. */
  takeDirty(): { from: number; to: number } {
    const dirty = { from: this.#from, to: Math.min(this.#to, this.count) };
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = 0;
    return dirty;
  }
}

/** Cells in their layers; those without a place are in none. */
export class Layers {
  readonly all: readonly Layer[] = Array.from({ length: COUNT }, () => new Layer());
  readonly #layerOf: Uint8Array;
  /** Where in its layer each cell is. */
  readonly #placeOf: Uint32Array;
  #which: (row: number) => number = () => NONE;

  constructor(n: number) {
    this.#layerOf = new Uint8Array(n).fill(NONE);
    this.#placeOf = new Uint32Array(n);
  }

  /** Sorts all cells anew: numbers lie lowest first, so that high ones are seen. */
  rebuild(cells: Cells): void {
    const { columns, look } = cells;
    this.#which = classifier(cells);
    for (const layer of this.all) layer.count = 0;
    this.#layerOf.fill(NONE);
    const color = columns.numbers(look?.color ?? "");
    const order = color?.spec.kind === "number" ? byValue(color) : null;
    for (let i = 0; i < columns.n; i++) this.#enter(order ? (order[i] as number) : i);
  }

  /** Moves the cells of a range that belong elsewhere now: what came last lies on top. */
  update(from: number, to: number): void {
    for (let row = from; row < to; row++) {
      if (this.#which(row) === this.#layerOf[row]) continue;
      this.#leave(row);
      this.#enter(row);
    }
  }

  #enter(row: number): void {
    const which = this.#which(row);
    this.#layerOf[row] = which;
    const layer = this.all[which];
    if (!layer) return;
    this.#placeOf[row] = layer.count;
    layer.put(layer.count++, row);
  }

  /** The layer's last cell takes the free place. */
  #leave(row: number): void {
    const layer = this.all[this.#layerOf[row] as number];
    if (!layer) return;
    const place = this.#placeOf[row] as number;
    const last = layer.rows[--layer.count] as number;
    if (last === row) return;
    layer.put(place, last);
    this.#placeOf[last] = place;
  }
}

/** Says in which layer a cell is. Whether anything is selected is asked once. */
function classifier({ columns, fails, selected, look }: Cells): (row: number) => number {
  const { xy, state } = columns;
  const color = columns.numbers(look?.color ?? "");
  const focus = look?.focus ?? -1;
  const anySelected = selected.includes(1);
  const streams = !color || color.spec.group === "result";
  const isUnlike = color?.spec.kind === "number" ? () => false : unlikeOf(columns);
  return (row) => {
    if (Number.isNaN(xy[2 * row] as number)) return NONE;
    if (fails[row] !== 0) return LAYER.ghost;
    if (streams && state[row] !== CELL.done) return LAYER.hollow;
    if (focus >= 0 && columns.code(color, row) !== focus) return LAYER.ghost;
    if (!anySelected) return isUnlike(row) ? LAYER.unlike : LAYER.solid;
    return selected[row] === 1 ? LAYER.selected : LAYER.dimmed;
  };
}

/** Rows lowest value first, missing ones at the bottom: to 16 bits, which no eye tells from exact. */
function byValue({ values, spec }: NumberColumn): Uint32Array {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const keys = new Uint32Array(values.length);
  const scale = max > min ? 65_534 / (max - min) : 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    if (Number.isNaN(value) || value === MISSING[spec.dtype]) continue;
    keys[row] = 1 + (Math.min(Math.max(value, min), max) - min) * scale;
  }
  return orderByKeys(keys);
}
