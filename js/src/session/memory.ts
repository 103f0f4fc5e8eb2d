import type {
  CellDetail,
  ColumnSpec,
  Command,
  EngineName,
  Explanation,
  RunState,
  Schema,
  Status,
  WhyQuestion,
} from "../protocol";
import { STREAMED } from "../protocol";
import type { Capabilities, ColumnPiece, Session, Sink, Values } from "./session";

/** Everything that a kernel would hold. Streamed columns (`state` apart) carry every row's final value. */
export interface MemoryData {
  schema: Schema;
  columns: Readonly<Record<string, Values | readonly string[]>>;
  reference?: { xy: Float32Array; labels: Uint16Array };
  detail?: (row: number) => CellDetail;
  explain?: (question: WhyQuestion, selected: number) => Explanation;
  /** What `genes` lists. */
  genes?: readonly string[];
}

export interface MemoryOptions {
  /** Rows done when the page arrives. */
  done?: number;
  status?: Status;
  /** Where the model runs at first; the data's schema says what there is to choose from. */
  engine?: EngineName;
  /** Cells per second of a run that moves by itself; 0: only `advance` moves it. */
  rate?: number;
  /** Rows that fail instead, with this reason. */
  failing?: { rows: ReadonlySet<number>; reason: string };
  /** No cell has found its place on the map yet. */
  unplaced?: boolean;
  /** Milliseconds that what takes long takes. */
  slow?: number;
  /** What the state says besides, for pages that show a certain moment. */
  state?: Partial<RunState>;
}

const TICK = 100;
const MOVES = { run: "running", resume: "running", pause: "paused", stop: "stopped" } as const;
const RUNS_WITH = {
  kernel: { backend: "onnxruntime", workers: 1 },
  browser: { backend: "wasm", workers: 2 },
} as const;

/** Columns of an array: serves tests and pages without a kernel, and runs at any speed. */
export class MemorySession implements Session {
  readonly can: Capabilities;
  readonly port = null;
  /** What the page selected last. */
  selected: { bits: Uint8Array; count: number } | null = null;

  readonly #data: MemoryData;
  readonly #options: MemoryOptions;
  #sink: Sink | null = null;
  #status: Status;
  #engine: EngineName;
  #at: number;
  #runs = 0;
  #elapsed = 0;
  #threshold = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(data: MemoryData, options: MemoryOptions = {}) {
    this.#data = data;
    this.#options = options;
    this.can = { run: true, inspect: true, engines: data.schema.engines };
    this.#status = options.status ?? "idle";
    this.#engine = options.engine ?? "kernel";
    this.#at = options.done ?? 0;
    this.#elapsed = options.rate ? this.#at / options.rate : 0;
  }

  listen(sink: Sink): () => void {
    this.#sink = sink;
    sink.schema(this.#schema(), this.#state());
    this.#send(0, this.#at);
    this.#keepTime();
    return () => this.#stop();
  }

  command(name: Command): void {
    if (name === "kernel" || name === "browser") this.#switch(name);
    else {
      if (name === "run" && this.#status !== "paused") this.#again();
      this.#status = MOVES[name];
    }
    this.#keepTime();
    this.#sink?.state(this.#state());
  }

  want(column: string): void {
    const piece = column === "reference" ? this.#reference() : column === "genes" ? this.#genes() : this.#piece(column);
    // As from a kernel: never before `want` has returned.
    if (piece) queueMicrotask(() => this.#sink?.column(piece));
  }

  select(bits: Uint8Array, count: number): void {
    this.selected = { bits, count };
  }

  async threshold(value: number): Promise<void> {
    this.#threshold = value;
    this.#sink?.state(this.#state());
  }

  async inspect(row: number): Promise<CellDetail> {
    if (!this.#data.detail) throw new Error("nothing is known of single cells here");
    return this.#data.detail(row);
  }

  async explain(question: WhyQuestion, { progress }: { progress(share: number): void }): Promise<Explanation> {
    if (!this.#data.explain) throw new Error("nothing can be explained here");
    if (question.method === "occlusion") {
      progress(0.4);
      await new Promise((resolve) => setTimeout(resolve, this.#options.slow ?? 0));
    }
    return this.#data.explain(question, this.selected?.count ?? 0);
  }

  close(): void {
    this.#stop();
  }

  /** The next `count` cells get their results. */
  advance(count: number): void {
    const from = this.#at;
    this.#at = Math.min(this.#at + count, this.#data.schema.n);
    if (this.#at === this.#data.schema.n) this.#status = "done";
    this.#send(from, this.#at);
    this.#sink?.state(this.#state());
    this.#keepTime();
  }

  /** A run that cannot go on where it was goes on there; one that is not under way is left as it is. */
  #switch(engine: EngineName): void {
    this.#engine = engine;
    if (this.#status === "waiting" || this.#status === "failed") this.#status = "running";
  }

  #again(): void {
    if (this.#at === 0 && this.#runs === 0) return;
    this.#runs++;
    this.#at = 0;
    this.#elapsed = 0;
    this.#sink?.schema(this.#schema(), this.#state());
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sink = null;
  }

  #keepTime(): void {
    const rate = this.#options.rate ?? 0;
    const moving = this.#status === "running" && rate > 0;
    if (moving === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!moving) return;
    this.#timer = setInterval(() => {
      this.#elapsed += TICK / 1000;
      this.advance(Math.round((rate * TICK) / 1000));
    }, TICK);
  }

  #run(): string {
    return `${this.#data.schema.run}.${this.#runs}`;
  }

  #schema(): Schema {
    return { ...this.#data.schema, run: this.#run() };
  }

  #failedBefore(row: number): number {
    let count = 0;
    for (const failed of this.#options.failing?.rows ?? []) if (failed < row) count++;
    return count;
  }

  #state(): RunState {
    const rate = this.#options.rate ?? null;
    const n = this.#data.schema.n;
    const failed = this.#failedBefore(this.#at);
    const reason = this.#options.failing?.reason;
    return {
      run: this.#run(),
      status: this.#status,
      engine: this.#engine,
      ...RUNS_WITH[this.#engine],
      chosen: "",
      phase: this.#status === "running" ? "labelling" : "",
      total: n,
      done: this.#at - failed,
      failed,
      placed: this.#options.unplaced ? 0 : this.#at - failed,
      log: this.#at,
      rate: this.#at > 0 && rate ? rate : null,
      elapsed: this.#elapsed,
      left: rate && this.#at > 0 ? (n - this.#at) / rate : null,
      problem: null,
      failures: reason && failed > 0 ? [{ reason, cells: failed }] : [],
      written: this.#status === "done" ? `${this.#data.schema.key}_label` : null,
      threshold: this.#threshold,
      notes: [],
      ...this.#options.state,
    };
  }

  #send(from: number, to: number): void {
    if (to <= from) return;
    const failing = this.#options.failing?.rows;
    const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    const columns = this.#data.schema.columns
      .filter((spec) => this.#streams(spec))
      .map((spec) => ({ id: spec.id, values: this.#slice(spec, from, to) }));
    const state = Uint8Array.from(rows, (row) => (failing?.has(row) ? 2 : 1));
    this.#sink?.rows({ run: this.#run(), rows, columns: [{ id: "state", values: state }, ...columns] });
  }

  /** A basis is known before the run, and is asked for like any other column. */
  #streams({ id }: ColumnSpec): boolean {
    if (id === "xy") return this.#data.schema.layout.source !== "obsm" && !this.#options.unplaced;
    return id !== "state" && (STREAMED as readonly string[]).includes(id);
  }

  /** Rows of a column; those that failed have no value. */
  #slice(spec: ColumnSpec, from: number, to: number): Values {
    const wide = spec.kind === "xy" ? 2 : 1;
    const values = (this.#data.columns[spec.id] as Values).slice(from * wide, to * wide) as Values;
    const missing = values instanceof Float32Array || values instanceof Float64Array ? Number.NaN : -1;
    for (const row of this.#options.failing?.rows ?? [])
      if (row >= from && row < to) values.fill(missing, (row - from) * wide, (row - from + 1) * wide);
    return values;
  }

  #piece(column: string): ColumnPiece | null {
    const values = this.#data.columns[column];
    if (!values) return null;
    const total = this.#data.schema.n;
    const whole = { column, start: 0, count: total, total };
    if (ArrayBuffer.isView(values)) return { ...whole, values: (values as Values).slice() as Values };
    return { ...whole, ...encodeText(values as readonly string[]) };
  }

  #genes(): ColumnPiece | null {
    const names = this.#data.genes;
    if (!names) return null;
    return { column: "genes", start: 0, count: names.length, total: names.length, ...encodeText(names) };
  }

  #reference(): ColumnPiece | null {
    const { reference } = this.#data;
    if (!reference) return null;
    const count = reference.labels.length;
    return {
      column: "reference",
      start: 0,
      count,
      total: count,
      values: reference.xy.slice(),
      labels: reference.labels.slice(),
    };
  }
}

function encodeText(texts: readonly string[]): { values: Uint32Array; bytes: Uint8Array } {
  const encoder = new TextEncoder();
  const offsets = new Uint32Array(texts.length + 1);
  const parts = texts.map((text, i) => {
    const part = encoder.encode(text);
    offsets[i + 1] = (offsets[i] as number) + part.length;
    return part;
  });
  const bytes = new Uint8Array(offsets[texts.length] as number);
  for (const [i, part] of parts.entries()) bytes.set(part, offsets[i]);
  return { values: offsets, bytes };
}
