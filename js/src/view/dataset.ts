/** One widget's cells: columns, what passes, what is selected, the table. No drawing and no messages. */
import { CELL, type ColumnSpec, type RunState, type Schema } from "../protocol";
import type { ColumnPiece, Rows } from "../session/session";
import type { Counts, Extent, Look, Pointed, Select, Sort, TableSlice } from "./api";
import { Columns } from "./columns";
import { applyFilters } from "./filter";
import { applySelect, toBits } from "./select";
import { orderBy, tableRows } from "./sort";
import { summarize } from "./summary";

export class Dataset {
  columns: Columns;
  look: Look | null = null;
  run: RunState;
  selected: Uint8Array;
  /** Filters that each cell fails. */
  fails: Uint8Array;
  shown: number;
  sort: Sort = { column: null, descending: false, selectionFirst: false };
  /** Grows with whatever a picture depends on. */
  version = 0;
  /** Grows when cells get places. */
  places = 0;
  /** When each cell was drawn first, in seconds on the page's clock; 0: long ago. */
  born: Float32Array;

  /** When the latest cells were drawn first. */
  bornLast = -Infinity;

  /** Rows from and to which the graphics card has not seen. */
  #changed: [number, number] = [0, 0];
  #order: Uint32Array | null = null;
  #orderStale = true;
  #table: Uint32Array | null = null;

  constructor(schema: Schema, run: RunState) {
    this.run = run;
    this.columns = new Columns(schema);
    this.selected = new Uint8Array(schema.n);
    this.fails = new Uint8Array(schema.n);
    this.born = new Float32Array(schema.n);
    this.shown = schema.n;
    this.#changed = [0, schema.n];
  }

  /** What there is before a session told anything. */
  static empty(): Dataset {
    return new Dataset({ n: 0, columns: [] as ColumnSpec[] } as Schema, { status: "idle" } as RunState);
  }

  /** Rows that changed since the last call, as a range. */
  takeChanged(): [number, number] {
    const changed = this.#changed;
    this.#changed = [this.columns.n, 0];
    return changed;
  }

  changedAll(): void {
    this.#changed = [0, this.columns.n];
    this.version++;
  }

  get running(): boolean {
    return this.run.status === "running";
  }

  takeRows(rows: Rows, now: number): void {
    const { state } = this.columns;
    let [from, to] = this.#changed;
    for (const row of rows.rows) {
      if (row >= state.length) continue;
      if (state[row] === CELL.notRun) this.born[row] = this.bornLast = now;
      from = Math.min(from, row);
      to = Math.max(to, row + 1);
    }
    this.#changed = [from, to];
    if (this.columns.takeRows(rows)) this.places++;
    this.#refilter();
    this.#orderStale ||= this.#sortedBy((id) => this.columns.spec(id)?.group === "result");
    this.#table = null;
  }

  takePiece(piece: ColumnPiece): void {
    this.columns.takePiece(piece);
    if (piece.column === "xy" || piece.column === "reference") {
      this.places++;
      this.changedAll();
    }
    if (this.look?.filters.some((filter) => filter.column === piece.column)) this.#refilter();
    this.#orderStale ||= this.#sortedBy((id) => id === piece.column);
    if (this.#orderStale) this.#table = null;
    this.version++;
  }

  setRun(run: RunState): void {
    if (run.status !== this.run.status) this.version++;
    this.run = run;
  }

  setLook(look: Look): void {
    const refilter = JSON.stringify(look.filters) !== JSON.stringify(this.look?.filters ?? []);
    this.look = look;
    if (refilter) {
      this.#refilter();
      this.#table = null;
    }
    this.version++;
  }

  setSort(sort: Sort): void {
    this.#orderStale ||= sort.column !== this.sort.column || sort.descending !== this.sort.descending;
    this.sort = sort;
    this.#table = null;
  }

  select(select: Select): { bits: Uint8Array; count: number } {
    applySelect(this.selected, select, { columns: this.columns, fails: this.fails, table: () => this.table() });
    if (this.sort.selectionFirst) this.#table = null;
    this.version++;
    return toBits(this.selected);
  }

  counts(): Counts {
    return summarize(this);
  }

  table(): Uint32Array {
    if (this.#orderStale) {
      this.#order = orderBy(this.columns, this.sort.column, this.sort.descending);
      this.#orderStale = false;
      this.#table = null;
    }
    this.#table ??= tableRows(this.#order, this.fails, this.shown, this.selected, this.sort.selectionFirst);
    return this.#table;
  }

  slice(start: number, count: number, ids: readonly string[]): TableSlice {
    const table = this.table();
    const from = Math.max(0, Math.min(start, table.length));
    const rows = table.slice(from, from + Math.max(0, count));
    const columns: TableSlice["columns"] = {};
    for (const id of ids) columns[id] = this.#cells(id, rows);
    return {
      start: from,
      total: table.length,
      rows,
      state: Uint8Array.from(rows, (row) => this.columns.state[row] as number),
      selected: Uint8Array.from(rows, (row) => this.selected[row] as number),
      columns,
    };
  }

  locate(row: number): number {
    return this.table().indexOf(row);
  }

  /** The nearest cell that passes within some distance of a point, in data space. */
  nearest(x: number, y: number, radius: number): number {
    const { xy } = this.columns;
    let [best, found] = [radius * radius, -1];
    for (let row = 0; row < this.fails.length; row++) {
      const dx = (xy[2 * row] as number) - x;
      const dy = (xy[2 * row + 1] as number) - y;
      const distance = dx * dx + dy * dy;
      if (distance < best && this.fails[row] === 0) {
        best = distance;
        found = row;
      }
    }
    return found;
  }

  pointed(row: number): Pointed {
    const { columns } = this;
    const color = columns.numbers(this.look?.color ?? "label");
    const isCategory = color?.spec.kind === "category";
    return {
      row,
      x: columns.xy[2 * row] as number,
      y: columns.xy[2 * row + 1] as number,
      name: columns.text("cell")?.at(row) ?? "",
      state: columns.state[row] as number,
      label: columns.code(columns.numbers("label"), row),
      score: columns.number(columns.numbers("score"), row),
      second: columns.code(columns.numbers("second"), row),
      secondScore: columns.number(columns.numbers("second_score"), row),
      value: isCategory ? columns.code(color, row) : columns.number(color, row),
    };
  }

  extent(): Extent | null {
    const { reference, xy } = this.columns;
    return union(boundsOf(xy, xy.length / 2), reference && boundsOf(reference.xy, reference.held));
  }

  #cells(id: string, rows: Uint32Array): TableSlice["columns"][string] {
    const text = this.columns.text(id);
    if (text) return Array.from(rows, (row) => text.at(row));
    const column = this.columns.numbers(id);
    if (!column) return null;
    if (column.spec.kind === "category") return Int32Array.from(rows, (row) => this.columns.code(column, row));
    return Float64Array.from(rows, (row) => this.columns.number(column, row));
  }

  #sortedBy(matches: (id: string) => boolean): boolean {
    return this.sort.column !== null && matches(this.sort.column);
  }

  #refilter(): void {
    this.shown = applyFilters(this.columns, this.look?.filters ?? [], this.fails);
    this.version++;
  }
}

function boundsOf(xy: Float32Array, count: number): Extent | null {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < 2 * count; i += 2) {
    const x = xy[i] as number;
    const y = xy[i + 1] as number;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x1 >= x0 && y1 >= y0 ? { x0, y0, x1, y1 } : null;
}

function union(a: Extent | null, b: Extent | null): Extent | null {
  if (!a || !b) return a ?? b;
  return { x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) };
}
