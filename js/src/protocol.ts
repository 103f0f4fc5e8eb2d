/**
 * Messages between the kernel and the page: JSON headers with raw little-endian buffers.
 * Python's counterpart is `src/cellwidget/messages.py`; both parse `tests/data/messages/`.
 *
 * The page asks and the kernel answers: `hello` names what the page holds (a run and a position in its change log),
 * and the kernel sends what changed since, bounded by the credit that `ack` gives back. Values are read at sending,
 * so a frame that arrives twice does no harm and a lost one is mended by another `hello`.
 */
export const PROTOCOL = 1;

export type Status = "idle" | "waiting" | "running" | "paused" | "done" | "stopped" | "failed";
/** How buffers travel. VS Code turns binary frames into lists of numbers, so there they go as base64 in the header. */
export type Transport = "binary" | "base64";
export type DType = "u1" | "u2" | "u4" | "f4" | "f8";
/** Where the model runs: in Python, or on the page. */
export type EngineName = "kernel" | "browser";
/** An engine's name goes on there, from where the run is. */
export type Command = "run" | "pause" | "resume" | "stop" | EngineName;
export type Backend = "onnxruntime" | "wasm" | "webgpu";

/** Where a cell stands: the values of the `state` column. */
export const CELL = { notRun: 0, done: 1, failed: 2 } as const;

/**
 * A column of n_obs rows.
 * - `number`: f4 or f8, NaN is missing. - `category`: u1, u2 or u4 codes into `categories`, all bits set is missing.
 * - `text`: UTF-8. - `xy`: pairs of f4, NaN where the cell has no place.
 */
export interface ColumnSpec {
  /** Unique: `cell` (obs_names), `state`, `xy`, `label`, `score`, `second`, `second_score`, `entropy`, `distance` (to the model's training cells), `obs:NAME` or `gene:NAME`. */
  id: string;
  /** What people read in heads and menus. Data from outside: never markup. */
  name: string;
  kind: "number" | "category" | "text" | "xy";
  group: "result" | "obs" | "name" | "layout" | "gene";
  dtype: DType;
  /** Numbers that are all whole (counts), shown without decimals. */
  integer?: boolean;
  categories?: string[];
  /** One `#rrggbb` per category: from `uns["*_colors"]`; absent where the page's own palette serves. */
  colors?: string[];
  /** The last category is of cells whose score is below the threshold: derived by the page, and without a colour. */
  unassigned?: boolean;
}

const GENE = "gene:";

/** The column of a gene, which no schema lists; null for what is no gene's id. */
export function geneColumn(id: string): ColumnSpec | null {
  if (!id.startsWith(GENE)) return null;
  return { id, name: id.slice(GENE.length), kind: "number", group: "gene", dtype: "f4" };
}

export const geneId = (gene: string): string => `${GENE}${gene}`;

/** Columns whose rows arrive in `rows` frames as the run goes on. All others are asked for with `want`. */
export const STREAMED = ["state", "xy", "label", "score", "second", "second_score", "entropy", "distance"] as const;

/** What the model found in the data: the same as `model.check(adata)` prints. */
export interface InputReport {
  cells: number;
  /** "X", "layers['counts']", "raw.X". */
  matrix: string;
  /** "raw counts", "log1p of counts per 10,000, inverted". */
  values: string;
  /** "counts", "log1p_10k", "as_is": what the network was trained on, as somebody said; else empty. */
  trained_on: string;
  genes_matched: number;
  genes_model: number;
  genes_data: number;
  /** "symbol" or "Ensembl id". */
  id_type: string;
  /** Where the ids were found: "var_names" or a var column. */
  ids_in: string;
  duplicates_summed: number;
  empty_cells: number;
  /** What a cell's total is taken over, in words; null for a model that needs none. */
  total: string | null;
  notes: string[];
}

export interface ModelInfo {
  name: string;
  title: string;
  /** "SIMS", "Geneformer". */
  family: string;
  version: string;
  genes: number;
  classes: string[];
  /** How it can be asked why, the best way first. */
  explains: Explains[];
}

export interface Schema {
  run: string;
  n: number;
  key: string;
  model: ModelInfo;
  report: InputReport | null;
  columns: ColumnSpec[];
  /** Id of the column to colour by at first. */
  color: string;
  layout: {
    /** "model" (its own UMAP), "obsm" (an existing basis, known before the run) or "umap" (fitted during it). */
    source: "model" | "obsm" | "umap";
    /** "X_umap", for the caption. */
    name: string;
    /** Number of reference cells that `reference` will bring; 0: none. */
    reference: number;
    /** The `distance` beyond which a cell is unlike anything in training; null where no distance is measured. */
    distance_limit: number | null;
  };
  /**
   * Genes that can be coloured by, as columns `gene:NAME` of f4 that no list names: how many names the text column `genes`
   * brings (0: none), and what the values are, in words ("log1p of counts per 10,000 of all genes").
   */
  genes: { count: number; values: string };
  engines: EngineName[];
  /** Labels that are known: an obs column, and for each of its categories the code of that class (-1: none has the name). */
  truth: { column: string; codes: number[] } | null;
}

/** A failure in words: what happened, what is kept, what to do. */
export interface Problem {
  title: string;
  detail: string;
  remedy: string;
}

export interface RunState {
  run: string;
  status: Status;
  engine: EngineName;
  /** What the engine computes with, and how many threads or workers; null and 0 while not known. */
  backend: Backend | null;
  workers: number;
  /** Why this engine, where the user did not choose: a sentence, or "". */
  chosen: string;
  /** What it is busy with: "loading the model", "labelling", "fitting the layout", ""; for the words in the run bar. */
  phase: string;
  total: number;
  done: number;
  failed: number;
  /** Cells with a place on the map (they may be labelled before). */
  placed: number;
  /** Length of the change log: a page at this position holds everything. */
  log: number;
  /** Cells per second; null until measured. */
  rate: number | null;
  /** Seconds: so far (pauses left out), and still to go (null when unknown). */
  elapsed: number;
  left: number | null;
  problem: Problem | null;
  /** Why cells failed, most frequent first. */
  failures: { reason: string; cells: number }[];
  /** The obs key that was written ("cellwidget_label"), or null. */
  written: string | null;
  /** Cells whose score is below are unassigned; what streams as `label` stays as the model said. */
  threshold: number;
  /** Things the user should know ("obs_names changed during the run: nothing was written"). */
  notes: string[];
}

/** One cell, looked up in the kernel on demand. */
export interface CellDetail {
  row: number;
  name: string;
  /** Best first, at most five. */
  labels: { code: number; score: number }[];
  obs: { name: string; value: string }[];
  /** Why the cell failed, else null. */
  failure: string | null;
}

/**
 * How to tell why. Attention: what the model looked at, each step's mask over the genes, times what the step decided or
 * alone. Occlusion: the probability that a label loses when a gene is taken out of a cell.
 */
export type Explains = "attention_weighted" | "attention" | "occlusion";

/** Why what? A class (`code`; null: each of them), the selection, or a cell (`row`). */
export interface WhyQuestion {
  of: "class" | "selection" | "cell";
  code: number | null;
  row: number | null;
  method: Explains;
}

/** A gene that labels rest on. */
export interface ExplainedGene {
  gene: string;
  /** Mean per cell, in the method's units; below 0 where labels are likelier without the gene. */
  weight: number;
  /** Of the weight of all genes, whatever its sign: 0 to 1. */
  share: number;
  /** Share of the cells that express it. */
  expressed: number;
  /** Of a single cell; else null. */
  count: number | null;
}

/** What the labels of some cells rest on, heaviest gene first: from `cells` of `total` cells. */
export interface ExplainedGroup {
  code: number | null;
  cells: number;
  total: number;
  genes: ExplainedGene[];
}

export interface Explanation {
  of: WhyQuestion["of"];
  method: Explains;
  /** One; or one per class that cells were given. */
  groups: ExplainedGroup[];
}

/** What a page needs to run the model itself. Files come as columns of bytes, `asset:NAME`, in answer to `want`. */
export interface Equipment {
  assets: {
    /** The runtime, gzipped. */
    wasm: Asset;
    /** The one for WebGPU, gzipped; absent for models that compute in float64, which it cannot. */
    webgpu?: Asset;
  } & { [name in StageName]?: Asset };
  /** The model's graphs, in the order in which they run. */
  stages: StageSpec[];
  /** What is to be sent back: `logits`, `embedding` and attention of the model, `xy` of its UMAP. */
  outputs: string[];
  /** Cells that may be run at once, for the memory they take. */
  largest_batch: number;
  /** How many workers the user wants; null: one core less than there are. */
  workers: number | null;
}

export interface Asset {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** `front` and `back` stand around a foreign `model`, which takes all genes; `umap` follows. */
export type StageName = "front" | "model" | "back" | "umap";

/** A graph, cut down to what is asked for, and what it calls the values that it takes and gives, by what all call them. */
export interface StageSpec {
  asset: StageName;
  /** Values of the cells (`genes`, `counts`, `total`, `uniform`, `batch`), or those that stages before it gave. */
  inputs: Record<string, string>;
  outputs: Record<string, string>;
}

export type AssetName = keyof Equipment["assets"];

/** What a page that runs the model wants, and holds; see `pull`. */
export interface Demand {
  run: string;
  room: number;
  leases: number[];
  seen: number;
  workers: number;
  backend: Backend | null;
}

/**
 * What a model made of the cells of a lease: per output [cells, width], in the lease's order, failed cells left out.
 * Attention comes added up over the cells of a label, in lists of width 1 with an entry for each gene that a label looks
 * at: `attention_codes` (of the label), `attention_genes`, `attention` and `attention_weighted`.
 */
export interface OutputSpec {
  name: string;
  width: number;
  dtype: "f4" | "i4" | "u2";
}

/* ── page → kernel ─────────────────────────────────────────────────────────────────────────────── */

export type ToKernel =
  /** First word, and again whenever the page missed something. `run` null: the page holds nothing. */
  | { type: "hello"; page: string; protocol: number; transport: Transport; run: string | null; position: number }
  /** Frame `seq` and all before it arrived: their bytes may be used again. */
  | { type: "ack"; page: string; seq: number }
  /** Send column `column` from row `start` on. Answered by `column` pieces. `reference` and `genes` are columns too. */
  | { type: "want"; page: string; column: string; start: number }
  | { type: "command"; page: string; id: number; name: Command }
  /** Buffer 0: bitset of n_obs bits, least significant first. */
  | { type: "select"; page: string; id: number; count: number }
  /** From 0 to 1; all pages hear of it in `RunState.threshold`. */
  | { type: "threshold"; page: string; id: number; value: number }
  | { type: "inspect"; page: string; id: number; row: number }
  /** Why? Answered by a reply with an `Explanation`, some time; a page's new question takes the place of its old one. */
  | ({ type: "explain"; page: string; id: number } & WhyQuestion)
  /** Nobody waits for the answer to `explain` any more. */
  | { type: "cancel"; page: string; id: number }
  /** What do I need to run the model here? Answered by a reply with `Equipment`. */
  | { type: "equip"; page: string; id: number }
  /**
   * The page runs the model, and has room for so many cells, those included that it holds: `leases`. Said when it
   * changes, and every two seconds while the engine is at work. `seen` is the highest lease that came; those up to it
   * that the page does not hold were lost on the way, and are lent again.
   */
  | ({ type: "pull"; page: string } & Demand)
  /** A lease is done. One buffer per output (or `b64`); `failed` are positions in the lease, and why. Answered by a reply. */
  | {
      type: "results";
      page: string;
      id: number;
      run: string;
      lease: number;
      outputs: OutputSpec[];
      failed: [number, string][];
      b64?: string[];
    }
  /** The model cannot be run here. Answered by a reply. */
  | { type: "gave_up"; page: string; id: number; run: string; title: string; detail: string }
  | { type: "bye"; page: string };

/** Several messages of a page in one; each says how many of the buffers are its own, which follow one another. */
export interface Many {
  type: "many";
  page: string;
  messages: (Record<string, unknown> & { buffers: number })[];
}

/** What a reply may hold. */
export type Answer = CellDetail | Equipment | Explanation | null;

/* ── kernel → page ─────────────────────────────────────────────────────────────────────────────── */

export type FromKernel =
  /** The answer to `hello`, and sent to all pages (`to` null) when a run begins. */
  | { type: "schema"; to: string | null; schema: Schema; state: RunState; selection: number }
  | { type: "state"; to: string | null; state: RunState }
  /** Changes from log position `from` to `to_position`. Buffer 0: u4 row numbers; then one buffer per column. */
  | {
      type: "rows";
      to: string;
      seq: number;
      run: string;
      from: number;
      to_position: number;
      columns: { id: string; dtype: DType }[];
    }
  /**
   * Rows `start` to `start + count` of a column of `total` rows.
   * Buffers: values; for text u4 offsets (count + 1, from 0) and UTF-8 bytes; for `reference` f4 pairs and u2 label codes.
   */
  | {
      type: "column";
      to: string;
      seq: number;
      run: string;
      column: string;
      dtype: DType;
      start: number;
      count: number;
      total: number;
    }
  /**
   * Cells to run, lent to this page, packed. Buffers: u4 `indptr` (n + 1); for each gene the gap after the one before,
   * u1, in the order that the column `asset:order` gives (255: the next of the u4 that follow in a buffer of their own);
   * counts, f4, or less one in half bytes, the first in the lower half (15: the next of the u2 that follow); and one
   * per extra: `total` f4, `uniform` f8 [n, uniform], `batch` u4.
   */
  | {
      type: "cells";
      to: string;
      seq: number;
      run: string;
      lease: number;
      n: number;
      counts: "nibbles" | "f4";
      extras: ("total" | "uniform" | "batch")[];
    }
  /** Buffer 0: bitset. `version` grows with each change; `page` made it (null: Python). */
  | { type: "selection"; to: string | null; version: number; page: string | null; count: number }
  | { type: "reply"; to: string; id: number; value: Answer }
  /** How far the answer to `explain` is: 0 to 1. */
  | { type: "progress"; to: string; id: number; share: number }
  /** The message `id` of that page was refused (null: one without an id); the run goes on. */
  | { type: "error"; to: string; id: number | null; message: string };
