import type {
  AssetName,
  CellDetail,
  ColumnSpec,
  Command,
  Demand,
  EngineName,
  Equipment,
  Explanation,
  Problem,
  RunState,
  Schema,
  WhyQuestion,
} from "../protocol";

export type Values = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

/** A piece of a column: rows `start` to `start + count` of `total`. Buffers may be transferred away by the receiver. */
export interface ColumnPiece {
  column: string;
  start: number;
  count: number;
  total: number;
  /** Codes, numbers or pairs; for text the offsets (count + 1, from 0). */
  values: Values;
  /** Text only: UTF-8. */
  bytes?: Uint8Array;
  /** `reference` only: a label code per reference cell. */
  labels?: Uint16Array;
}

export interface Rows {
  run: string;
  rows: Uint32Array;
  columns: { id: string; values: Values }[];
}

/** Some cells in compressed rows. */
export interface Cells {
  /** Where each cell begins and ends in `genes` and `counts`: n + 1, from 0. */
  indptr: Uint32Array;
  genes: Uint16Array | Uint32Array;
  counts: Uint8Array | Uint16Array | Float32Array;
  total?: Float32Array;
  /** [n, k] */
  uniform?: Float64Array;
  batch?: Uint32Array;
}

/** Cells that the page is to run. */
export interface Lease extends Cells {
  run: string;
  lease: number;
}

/** What became of a lease. */
export interface LeaseResult {
  run: string;
  lease: number;
  outputs: { name: string; width: number; values: Float32Array | Int32Array }[];
  /** Positions in the lease, and why. */
  failed: [number, string][];
}

/** What an engine on the page needs of its surroundings. */
export interface EnginePort {
  equip(): Promise<Equipment>;
  asset(name: AssetName, progress: (bytes: number) => void): Promise<Uint8Array>;
  pull(demand: Demand): void;
  /** Kept, and sent again, until the other side has it: then it resolves. Rejects when the other side refuses it. */
  results(result: LeaseResult): Promise<void>;
  gaveUp(run: string, title: string, detail: string): Promise<void>;
  /** Give cells to an engine; returns a function that stops it. */
  serve(take: (lease: Lease) => void): () => void;
}

/** What a session tells the page. */
export interface Sink {
  /** A run began, or the page came to one that is under way: everything held so far is void when `schema.run` differs. */
  schema(schema: Schema, state: RunState): void;
  state(state: RunState): void;
  rows(rows: Rows): void;
  column(piece: ColumnPiece): void;
  /** Somebody else (Python, another page) selected. */
  selection(bits: Uint8Array, count: number): void;
  /** Something to tell the user that is not the run's own failure. */
  problem(problem: Problem): void;
  /** `lost`: the kernel does not answer any more; what is here stays explorable. */
  connection(state: "live" | "lost"): void;
}

/** What a session can do: the page offers nothing else. */
export interface Capabilities {
  run: boolean;
  inspect: boolean;
  engines: EngineName[];
}

/**
 * Where columns come from: a kernel, an array in a test; later a snapshot or a dropped file.
 * The page knows nothing else of its surroundings.
 */
export interface Session {
  readonly can: Capabilities;
  /** For a session whose model can be run on the page. */
  readonly port: EnginePort | null;
  /** Start listening; returns a function that stops it. One sink at a time. */
  listen(sink: Sink): () => void;
  command(name: Command): void;
  /** Ask for a column that does not stream (`obs:NAME`, `cell`, `reference`); pieces come to the sink, each once. */
  want(column: ColumnSpec["id"] | "reference"): void;
  /** The page selected these rows: tell the others. */
  select(bits: Uint8Array, count: number): void;
  /** Cells with a lower score are to be unassigned; resolves when the session has it, or never will. */
  threshold(value: number): Promise<void>;
  /** Rejects when the session cannot answer (kernel busy too long, lost); the caller shows what it has. */
  inspect(row: number): Promise<CellDetail>;
  /** Why? Rejects when the session cannot answer, or the question was given up. One at a time: a new one ends the old one. */
  explain(
    question: WhyQuestion,
    patience: { signal: AbortSignal; progress(share: number): void },
  ): Promise<Explanation>;
  close(): void;
}
