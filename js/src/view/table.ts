/** The table: rows that pass, in order. Made when somebody looks, and not too often while a run goes on. */
import type { Sort, TableSlice } from "./api";
import type { Columns } from "./columns";
import { orderBy, tableRows } from "./sort";

interface Cells {
  readonly columns: Columns;
  readonly fails: Uint8Array;
  readonly selected: Uint8Array;
  readonly shown: number;
  readonly running: boolean;
}

/** A run may take its order from the table, but only a tenth of the time, and so that people can read. */
const RESORT_EVERY = 1_000;
const SHARE = 10;

export class Table {
  sort: Sort = { column: null, descending: false, selectionFirst: false };
  readonly #cells: Cells;
  #order: Uint32Array | null = null;
  /** `must`: before anybody looks again; `may`: when there is time. */
  #stale: "no" | "may" | "must" = "no";
  #rows: Uint32Array | null = null;
  #sortedAt = -Infinity;
  #cost = 0;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  sortBy(sort: Sort): void {
    if (sort.column !== this.sort.column || sort.descending !== this.sort.descending) this.#stale = "must";
    this.sort = sort;
    this.#rows = null;
  }

  /** The sorted column itself changed. */
  resort(): void {
    this.#stale = "must";
  }

  rowsCame(sorted: boolean): void {
    if (sorted && this.#stale === "no") this.#stale = "may";
    this.#rows = null;
  }

  /** Filters, or a selection that stands first. */
  membersChanged(): void {
    this.#rows = null;
  }

  rows(): Uint32Array {
    const { columns, fails, shown, selected } = this.#cells;
    if (this.#due()) {
      const begin = performance.now();
      this.#order = orderBy(columns, this.sort.column, this.sort.descending);
      this.#sortedAt = performance.now();
      this.#cost = this.#sortedAt - begin;
      this.#stale = "no";
      this.#rows = null;
    }
    this.#rows ??= tableRows(this.#order, fails, shown, selected, this.sort.selectionFirst);
    return this.#rows;
  }

  slice(start: number, count: number, ids: readonly string[]): TableSlice {
    const { columns, selected } = this.#cells;
    const all = this.rows();
    const from = Math.max(0, Math.min(start, all.length));
    const rows = all.slice(from, from + Math.max(0, count));
    return {
      start: from,
      total: all.length,
      rows,
      state: Uint8Array.from(rows, (row) => columns.state[row] as number),
      selected: Uint8Array.from(rows, (row) => selected[row] as number),
      columns: Object.fromEntries(ids.map((id) => [id, valuesOf(columns, id, rows)])),
    };
  }

  #due(): boolean {
    if (this.#stale !== "may" || !this.#cells.running) return this.#stale !== "no";
    return performance.now() - this.#sortedAt > Math.max(RESORT_EVERY, SHARE * this.#cost);
  }
}

function valuesOf(columns: Columns, id: string, rows: Uint32Array): TableSlice["columns"][string] {
  const text = columns.text(id);
  if (text) return Array.from(rows, (row) => text.at(row));
  const column = columns.numbers(id);
  if (!column) return null;
  if (column.spec.kind === "category") return Int32Array.from(rows, (row) => columns.code(column, row));
  return Float64Array.from(rows, (row) => columns.number(column, row));
}
