/** One widget's cells: columns, what passes, what is selected. No drawing and no messages. */
import { CELL, type ColumnSpec, type RunState, type Schema } from "../protocol";
import type { ColumnPiece, Rows } from "../session/session";
import type { Counts, Extent, Look, Pointed, Select, Sort, TableSlice } from "./api";
import { Columns } from "./columns";
import { FOLLOWS_THRESHOLD, unassignedCode } from "./effective";
import { boundsOf, union } from "./extent";
import { filterAll, filterRows } from "./filter";
import { nearest } from "./near";
import { applySelect, toBits } from "./select";
import { summarize } from "./summary";
import { Table } from "./table";
import { hiddenLabels } from "./training";

/** What a picture depends on, as numbers that grow. */
export interface Versions {
  /** Anything. */
  any: number;
  /** Look, filters, selection or whole columns: all cells are looked at anew. Not mere new rows. */
  style: number;
  /** Cells or the reference got other places. */
  places: number;
}

export class Dataset {
  readonly columns: Columns;
  look: Look | null = null;
  run: RunState;
  readonly selected: Uint8Array;
  /** Filters that each cell fails. */
  readonly fails: Uint8Array;
  shown: number;
  readonly version: Versions = { any: 0, style: 0, places: 0 };
  /** When each cell got its result, in seconds; 0: long ago. */
  readonly born: Float32Array;
  /** When the latest one did. */
  bornLast = -Infinity;

  /** When somebody last moved the threshold, in seconds: meanwhile pictures are to come fast rather than whole. */
  stirredAt = -Infinity;

  readonly #table: Table;
  /** Rows that came since a picture was made, as a range. */
  #changed: [from: number, to: number];
  #extent: Extent | null = null;
  #extentOf = -1;

  constructor(schema: Schema, run: RunState) {
    this.run = run;
    this.columns = new Columns(schema);
    this.selected = new Uint8Array(schema.n);
    this.fails = new Uint8Array(schema.n);
    this.born = new Float32Array(schema.n);
    this.shown = schema.n;
    this.#changed = [0, schema.n];
    this.#table = new Table(this);
  }

  /** What there is before a session told anything. */
  static empty(): Dataset {
    const schema = { n: 0, columns: [] as ColumnSpec[], model: { classes: [] }, layout: { distance_limit: null } };
    return new Dataset(schema as unknown as Schema, { status: "idle" } as RunState);
  }

  get running(): boolean {
    return this.run.status === "running";
  }

  /** Rows that changed since the last call, as a range. */
  takeChanged(): [from: number, to: number] {
    const changed = this.#changed;
    this.#changed = [this.columns.n, 0];
    return changed;
  }

  /** A graphics card that has nothing yet, or lost it, needs all. */
  changedAll(): void {
    this.#changed = [0, this.columns.n];
    this.#restyle();
    this.version.places++;
  }

  takeRows(rows: Rows, now: number): void {
    if (rows.run !== this.columns.schema.run) return;
    this.#note(rows.rows, now);
    if (this.columns.takeRows(rows)) this.version.places++;
    this.shown += filterRows(this.columns, this.look?.filters ?? [], this.fails, rows.rows);
    this.#table.rowsCame(this.columns.spec(this.#table.sort.column ?? "")?.group === "result");
    this.version.any++;
  }

  takePiece(piece: ColumnPiece): void {
    this.columns.takePiece(piece);
    if (piece.column === "xy" || piece.column === "reference") this.changedAll();
    // Known labels bring what derives from them.
    const derives = piece.column === this.columns.schema.truth?.column;
    const came = (column: string | null | undefined) => column === piece.column || (derives && column === "agreement");
    if (came(this.#table.sort.column)) this.#table.resort();
    const filters = this.look?.filters.some(({ column }) => came(column));
    if (filters) this.#refilter();
    if (derives && came(this.look?.color)) this.#changed = [0, this.columns.n];
    if (filters || came(this.look?.color)) this.#restyle();
  }

  setRun(run: RunState): void {
    const changed = run.status !== this.run.status;
    this.run = run;
    if (!changed) return;
    this.version.any++;
    this.#table.membersChanged();
  }

  /** `now` in seconds. */
  setLook(look: Look, now = 0): void {
    const moved = this.columns.effective.setThreshold(look.threshold);
    if (moved) this.stirredAt = now;
    const follows = (column: string | null) => moved && FOLLOWS_THRESHOLD.includes(column ?? "");
    const refilter = JSON.stringify(look.filters) !== JSON.stringify(this.look?.filters ?? []);
    this.look = look;
    if (refilter || look.filters.some(({ column }) => follows(column))) this.#refilter();
    if (follows(this.#table.sort.column)) this.#table.resort();
    if (follows(look.color)) this.#changed = [0, this.columns.n];
    this.#restyle();
  }

  setSort(sort: Sort): void {
    this.#table.sortBy(sort);
  }

  select(select: Select): { bits: Uint8Array; count: number } {
    const { columns, fails } = this;
    applySelect(this.selected, select, { columns, fails, table: () => this.#table.rows() });
    if (this.#table.sort.selectionFirst) this.#table.membersChanged();
    this.#restyle();
    return toBits(this.selected);
  }

  counts(): Counts {
    return summarize(this);
  }

  slice(start: number, count: number, ids: readonly string[]): TableSlice {
    return this.#table.slice(start, count, ids);
  }

  locate(row: number): number {
    return this.#table.rows().indexOf(row);
  }

  /** The nearest cell that is shown and passes, within some distance of a point, in data space. */
  pointAt(x: number, y: number, radius: number): Pointed | null {
    const { columns, fails, look } = this;
    if (look?.show === "reference") return this.#pointTraining(x, y, radius);
    return this.pointed(nearest(columns.xy, columns.n, [x, y], radius, (row) => fails[row] === 0));
  }

  /** null where there is no such cell. */
  pointed(row: number): Pointed | null {
    const { columns } = this;
    if (!(row >= 0 && row < columns.n)) return null;
    const color = columns.numbers(this.look?.color ?? "label");
    const isCategory = color?.spec.kind === "category";
    const label = columns.numbers("label");
    const unsure = label !== undefined && columns.code(label, row) === unassignedCode(label.spec);
    const best = columns.effective.said?.[row] as number;
    const score = columns.number(columns.numbers("score"), row);
    return {
      row,
      x: columns.xy[2 * row] as number,
      y: columns.xy[2 * row + 1] as number,
      name: columns.text("cell")?.at(row) ?? "",
      state: columns.state[row] as number,
      label: columns.code(label, row),
      score: unsure ? NaN : score,
      // Who is not sure enough of the best class has it in the second place.
      second: unsure ? best : columns.code(columns.numbers("second"), row),
      secondScore: unsure ? score : columns.number(columns.numbers("second_score"), row),
      distance: columns.number(columns.numbers("distance"), row),
      value: isCategory ? columns.code(color, row) : columns.number(color, row),
    };
  }

  extent(): Extent | null {
    if (this.#extentOf === this.version.places) return this.#extent;
    const { reference, xy, n } = this.columns;
    this.#extent = union(boundsOf(xy, n), reference && boundsOf(reference.xy, reference.held));
    this.#extentOf = this.version.places;
    return this.#extent;
  }

  #pointTraining(x: number, y: number, radius: number): Pointed | null {
    const { reference } = this.columns;
    if (!reference) return null;
    const { xy, labels, held } = reference;
    const hidden = hiddenLabels(this.look?.filters ?? []);
    const at = nearest(xy, held, [x, y], radius, (i) => !hidden(labels[i] as number));
    if (at < 0) return null;
    const label = this.columns.numbers("label") ? (labels[at] as number) : -1;
    const unknown = { score: NaN, second: -1, secondScore: NaN, distance: NaN, value: NaN };
    return {
      row: -1,
      x: xy[2 * at] as number,
      y: xy[2 * at + 1] as number,
      name: "",
      state: CELL.done,
      label,
      ...unknown,
    };
  }

  /** Notes which rows changed, and which of them got their result just now. */
  #note(rows: Uint32Array, now: number): void {
    const { state } = this.columns;
    let [from, to] = this.#changed;
    for (const row of rows) {
      if (row >= state.length) continue;
      // What a page that was reloaded gets all at once is not new.
      if (this.running && state[row] === CELL.notRun) this.born[row] = this.bornLast = now;
      if (row < from) from = row;
      if (row >= to) to = row + 1;
    }
    this.#changed = [from, to];
  }

  #refilter(): void {
    this.shown = filterAll(this.columns, this.look?.filters ?? [], this.fails);
    this.#table.membersChanged();
  }

  #restyle(): void {
    this.version.style++;
    this.version.any++;
  }
}
