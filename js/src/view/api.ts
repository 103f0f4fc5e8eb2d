/**
 * What the page and the view say to each other. The view holds the columns and the one GL context of the page; it runs in
 * a worker, or on the main thread where workers are forbidden, behind the same interface. No DOM here.
 *
 * `data` is one widget's columns, shared by all its views; `view` is one plot on the screen.
 */
import type { RunState, Schema } from "../protocol";
import type { ColumnPiece, Rows } from "../session/session";

export type Rgb = [number, number, number];

/** Screen = (x, y) + k * (data.x, -data.y), in CSS pixels. */
export interface Camera {
  x: number;
  y: number;
  k: number;
}

export interface Extent {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Cells that do not pass every filter are ghosts in the plot and absent from the table. */
export type Filter =
  /** Codes switched off in a category column. */
  | { column: string; off: number[] }
  /** Values kept, both ends included. */
  | { column: string; from: number; to: number }
  /** Values kept: those above. */
  | { column: string; above: number };

/** Which cells the plot shows: training cells are a backdrop to the dataset's own, or in full colour without these. */
export type Show = "both" | "reference" | "query";

/** How points look: shared by all views of a widget. */
export interface Look {
  /** Column to colour by. */
  color: string;
  /** One colour per category of that column (light or dark tuning already chosen); unused for numbers. */
  palette: Rgb[];
  /** 256 colours, low to high, for numbers. */
  ramp: Rgb[];
  /** Values at both ends of the ramp; null: the column's own range. */
  domain: [number, number] | null;
  /** Category pointed at in the legend: all others are ghosts. -1: none. */
  focus: number;
  show: Show;
  filters: Filter[];
  /** Cells whose score is below are unassigned, whatever the model said. */
  threshold: number;
}

/** Colours that follow the host's theme. */
export interface Theme {
  dark: boolean;
  ground: Rgb;
  ink: Rgb;
  accent: Rgb;
  backdrop: Rgb;
  ghost: Rgb;
  zero: Rgb;
  notRun: Rgb;
  /** CSS font family, to measure labels with. */
  font: string;
}

export type Select =
  | { by: "none" | "all" }
  /** Polygon in data space: x, y, x, y, … Only cells that pass the filters. */
  | { by: "lasso"; polygon: Float32Array; mode: "replace" | "add" | "remove" }
  | { by: "rows"; rows: Uint32Array; mode: "replace" | "add" | "remove" | "toggle" }
  /** Table order, both ends included: what Shift-click takes. */
  | { by: "range"; from: number; to: number; mode: "replace" | "add" }
  | { by: "category"; column: string; code: number; mode: "replace" | "add" }
  /** Cells that have one code in one column and another in another. */
  | { by: "pair"; columns: [string, string]; codes: [number, number]; mode: "replace" | "add" }
  /** Cells that pass the filters, with a value above a limit. */
  | { by: "above"; column: string; limit: number; mode: "replace" | "add" }
  /** From outside: does not come back as `selected.bits`. */
  | { by: "bits"; bits: Uint8Array };

export interface Sort {
  /** null: the order of the dataset. */
  column: string | null;
  descending: boolean;
  selectionFirst: boolean;
}

/** Numbers that the page writes: never recomputed on the main thread. */
export interface Counts {
  total: number;
  done: number;
  failed: number;
  notRun: number;
  /** Cells that pass every filter. A cell not yet run passes filters on columns that it has no value in. */
  shown: number;
  /** Id of the column that `categories`, `missing` and `numbers` are of; null before there is a look. */
  color: string | null;
  /** Of the colour column if it is a category: cells that pass all *other* filters, per code. */
  categories: Uint32Array | null;
  /** … and those without a value there. */
  missing: number;
  /** Of the colour column if it is a number: its range and a histogram of cells that pass the filters. */
  numbers: { min: number; max: number; bins: Uint32Array; missing: number; zeros: number } | null;
  /** Of the colour column if it is a gene: its mean per label, among cells that pass; NaN where there are none. */
  means: Float64Array | null;
  /** Over all cells done: median of `score`, how many are below 0.5, and a histogram from 0 to 1; null without scores. */
  score: { median: number; below: number; bins: Uint32Array } | null;
  /** All cells by known label and label, row after row; null where no labels are known. */
  confusion: Uint32Array | null;
  /** Cells unlike anything in training: beyond the schema's `distance_limit`; null where no distance is measured. */
  unlike: number | null;
  /** Training cells per label; null where none are known. */
  training: Uint32Array | null;
  selected: number;
  /** Label mix (column `label`) of the selection and of the rest, among done cells. */
  mix: { selection: Uint32Array; rest: Uint32Array } | null;
}

/** A label on the plot, placed for a frame: centre in CSS pixels. A code of the colour column, of `label` under a number. */
export interface PlacedLabel {
  code: number;
  x: number;
  y: number;
}

/** What the mouse points at. */
export interface Pointed {
  /** -1: a training cell, of which only place and label are known. */
  row: number;
  /** Data space. */
  x: number;
  y: number;
  name: string;
  state: number;
  label: number;
  score: number;
  second: number;
  secondScore: number;
  /** To the nearest training cells; NaN where it is not measured. */
  distance: number;
  /** Value of the colour column where that is not the label: a code or a number; NaN when missing. */
  value: number;
}

export interface TableSlice {
  /** Position in the table of the first row here; rows in the table (cells that pass the filters). */
  start: number;
  total: number;
  rows: Uint32Array;
  state: Uint8Array;
  selected: Uint8Array;
  /** Per asked column: numbers (NaN missing), codes (-1 missing) or text ("" missing); null when the column is not held yet. */
  columns: Record<string, Float64Array | Int32Array | string[] | null>;
}

export type ToView =
  | { type: "open"; data: string; schema: Schema; state: RunState }
  | { type: "state"; data: string; state: RunState }
  | { type: "rows"; data: string; rows: Rows }
  | { type: "column"; data: string; piece: ColumnPiece }
  | { type: "look"; data: string; look: Look }
  | { type: "select"; data: string; select: Select }
  | { type: "sort"; data: string; sort: Sort }
  | { type: "close"; data: string }
  /** `labels`: widths in CSS pixels are measured by the view with `theme.font`. */
  | {
      type: "attach";
      view: string;
      data: string;
      width: number;
      height: number;
      dpr: number;
      theme: Theme;
      still: boolean;
    }
  | { type: "resize"; view: string; width: number; height: number; dpr: number }
  | { type: "camera"; view: string; camera: Camera; fit: number }
  | { type: "theme"; view: string; theme: Theme }
  /** `labels`: draw cluster labels. `avoid`: rectangles [x0, y0, x1, y1] that belong to tools and captions. */
  | { type: "dress"; view: string; labels: boolean; avoid: [number, number, number, number][] }
  | { type: "detach"; view: string }
  /** The page took the last frame: the next one may come. */
  | { type: "shown"; view: string }
  /** Asked with a `req`, answered with the same. */
  | { type: "point"; view: string; req: number; x: number; y: number }
  | { type: "place"; data: string; req: number; row: number }
  | { type: "table"; data: string; req: number; start: number; count: number; columns: string[] }
  | { type: "locate"; data: string; req: number; row: number };

export type FromView =
  /** Bounds of what can be shown (basis, reference, placed cells), or null while nothing has a place. */
  | { type: "extent"; data: string; extent: Extent | null }
  | { type: "counts"; data: string; counts: Counts }
  /** The user's own selection changed: for the session. */
  | { type: "selected"; data: string; bits: Uint8Array; count: number }
  /** Order, membership or values of the table changed: ask again for what is on the screen. */
  | { type: "table-changed"; data: string; total: number }
  /** A picture and the camera it was drawn with, so that what lies over it can move in the same instant. */
  | { type: "frame"; view: string; bitmap: ImageBitmap; camera: Camera; labels: PlacedLabel[] }
  /** No WebGL2 (`none`), context lost, or repaired. */
  | { type: "gl"; state: "none" | "lost" | "ok" }
  | { type: "pointed"; req: number; pointed: Pointed | null }
  | { type: "table"; req: number; slice: TableSlice }
  | { type: "located"; req: number; position: number };

/** Events of one widget's data. */
export interface DataEvents {
  extent(extent: Extent | null): void;
  counts(counts: Counts): void;
  selected(bits: Uint8Array, count: number): void;
  tableChanged(total: number): void;
  gl(state: "none" | "lost" | "ok"): void;
}

/** One plot on the screen. */
export interface PlotView {
  resize(width: number, height: number, dpr: number): void;
  /** `fit`: the k at which everything is in view; sizes follow the zoom k / fit. */
  camera(camera: Camera, fit: number): void;
  theme(theme: Theme): void;
  dress(labels: boolean, avoid: [number, number, number, number][]): void;
  /** The cell nearest to a screen point, within 9 px, that passes the filters. */
  point(x: number, y: number): Promise<Pointed | null>;
  detach(): void;
}

/** The columns of one widget, as the page sees them: `connectView()` in `client.ts` makes one. */
export interface ViewData {
  /** One listener at a time. */
  listen(events: DataEvents): void;
  open(schema: Schema, state: RunState): void;
  state(state: RunState): void;
  rows(rows: Rows): void;
  column(piece: ColumnPiece): void;
  look(look: Look): void;
  select(select: Select): void;
  sort(sort: Sort): void;
  table(start: number, count: number, columns: string[]): Promise<TableSlice>;
  /** Position of a row in the table, -1 when it is filtered out. */
  locate(row: number): Promise<number>;
  /** A pinned cell's place and values, for the ring on the plot. */
  place(row: number): Promise<Pointed | null>;
  /** `still`: reduced motion. `onFrame` owns the bitmap. */
  attach(
    size: { width: number; height: number; dpr: number },
    theme: Theme,
    still: boolean,
    onFrame: (bitmap: ImageBitmap, camera: Camera, labels: PlacedLabel[]) => void,
  ): PlotView;
  close(): void;
}
