/** Shares workers among the models of a page: who runs what next, and what becomes of it when a worker dies. */
import { EngineError, type ModelFiles, type Outcome, type Piece, type PoolOptions } from "./api";
import { PieceFailed } from "./careful";
import { bytesOf, fitting, isOutOfMemory, refusal } from "./fits";
import { Gpu } from "./gpu";
import { type Job, Lane, type LaneEvents } from "./lane";
import type { Port, Refused } from "./messages";
import { cellsOf } from "./pieces";

export interface SchedulerOptions {
  open: () => Promise<Port>;
  openGpu: () => Promise<Port>;
  /** Milliseconds without an answer after which a worker is replaced, at least. */
  stallAfter: number;
  /** Milliseconds for which a model that nobody uses is kept, and the workers with the last one. */
  idleAfter: number;
}

/** A model that the workers hold. */
export interface Entry {
  readonly files: ModelFiles;
  readonly ready: Promise<void>;
  readonly settle: { resolve(): void; reject(error: Error): void };
  readonly gpu: Gpu | null;
  readonly users: Set<Client>;
  /** Milliseconds that a worker takes for a cell, at best. */
  pace: number;
  problem: Error | null;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** Somebody who has a model run. */
export interface Client {
  readonly entry: Entry;
  readonly workers: number;
  readonly onChange: () => void;
  queue: Job[];
}

/** Pieces at a worker: the one that it works on, and one more, so that it never waits for the page. */
const POSTED = 2;
/** Workers over which a piece may die before it is run in halves. */
const DEADLY = 2;
/** Workers that may die in a row, none of them having run a piece. */
const MOST_DEATHS = 5;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #events: LaneEvents;
  readonly #owners = new WeakMap<Job, Client>();
  #clients: Client[] = [];
  #lanes: Lane[] = [];
  #deaths = 0;
  /** What turned out to be possible here. */
  #most = Number.POSITIVE_INFINITY;
  #growing = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#events = {
      loaded: (_, key) => this.#loaded(key),
      refused: (lane, what, key, reason) => this.#refused(lane, what, key, reason),
      done: (_, job, outcome) => this.#done(job, outcome),
      failed: (_, job, reason) => {
        job.reject(new PieceFailed(reason));
        this.#pump();
      },
      died: (lane, reason) => this.#died(lane, reason),
    };
  }

  /** Use a model; wait for `entry.ready` before its first piece. */
  join(files: ModelFiles, { workers, gpu, onChange = () => {} }: PoolOptions): Client {
    const entry = this.#entries.get(files.key) ?? this.#enter(files, gpu);
    clearTimeout(entry.idle);
    const client = { entry, workers: Math.max(1, workers), onChange, queue: [] };
    entry.users.add(client);
    this.#clients.push(client);
    this.#adjust();
    return client;
  }

  /** Stop using a model. */
  leave(client: Client): void {
    const { entry } = client;
    if (!entry.users.delete(client)) return;
    this.#drop(client, (lane) => lane.jobs);
    this.#clients = this.#clients.filter((each) => each !== client);
    if (entry.users.size === 0 && !entry.problem) {
      entry.idle = setTimeout(() => this.#forget(entry), this.#options.idleAfter);
    }
  }

  /** Run a piece. Rejects with `PieceFailed` where a smaller one may go through. */
  run(client: Client, piece: Piece): Promise<Outcome> {
    const { entry } = client;
    if (entry.problem) return Promise.reject(entry.problem);
    if (!entry.users.has(client)) return Promise.reject(aborted());
    return new Promise<Outcome>((resolve, reject) => {
      const job: Job = { key: entry.files.key, piece, resolve, reject, dropped: false, deaths: 0 };
      this.#owners.set(job, client);
      client.queue.push(job);
      this.#pump();
    });
  }

  /** Drop a client's pieces that no worker has begun. */
  cancel(client: Client): void {
    this.#drop(client, (lane) => lane.jobs.slice(1));
  }

  #drop(client: Client, of: (lane: Lane) => Job[]): void {
    const posted = this.#all().flatMap(of);
    for (const job of [...client.queue, ...posted.filter((each) => this.#owners.get(each) === client)]) {
      job.dropped = true;
      job.reject(aborted());
    }
    client.queue = [];
  }

  /** Workers that run a client's model now; 0 where the page's own thread does. */
  workersOf({ entry, workers }: Client): number {
    if (entry.gpu?.lane) return 1;
    return this.#lanes.slice(0, workers).filter((lane) => lane.threaded && lane.holds(entry.files.key)).length;
  }

  /* ── models ──────────────────────────────────────────────────────────────────────────────────── */

  #enter(files: ModelFiles, gpu: PoolOptions["gpu"]): Entry {
    let settle: Entry["settle"] = { resolve: () => {}, reject: () => {} };
    const ready = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    ready.catch(() => {});
    const { openGpu, stallAfter } = this.#options;
    const tried =
      gpu === "never" || !files.webgpu
        ? null
        : new Gpu(files, {
            wasm: files.webgpu,
            open: openGpu,
            software: gpu === "any",
            stallAfter,
            done: (job, outcome) => this.#done(job, outcome, true),
            back: (jobs) => this.#putBack(jobs),
            changed: () => this.#changed(),
          });
    const entry: Entry = {
      files,
      ready,
      settle,
      gpu: tried,
      users: new Set(),
      pace: Number.POSITIVE_INFINITY,
      problem: null,
      idle: undefined,
    };
    this.#entries.set(files.key, entry);
    return entry;
  }

  #forget(entry: Entry): void {
    clearTimeout(entry.idle);
    entry.gpu?.end();
    if (this.#entries.get(entry.files.key) !== entry) return;
    this.#entries.delete(entry.files.key);
    for (const lane of this.#lanes) lane.unload(entry.files.key);
    this.#adjust();
  }

  #fail(entry: Entry, error: Error): void {
    entry.problem = error;
    entry.settle.reject(error);
    const posted = this.#all()
      .flatMap((lane) => lane.jobs)
      .filter((job) => job.key === entry.files.key);
    const waiting = [...entry.users].flatMap((client) => client.queue.splice(0));
    for (const job of [...posted, ...waiting]) {
      job.dropped = true;
      job.reject(error);
    }
    this.#forget(entry);
  }

  #failAll(error: Error): void {
    for (const entry of [...this.#entries.values()]) this.#fail(entry, error);
  }

  /* ── workers ─────────────────────────────────────────────────────────────────────────────────── */

  #all(): Lane[] {
    const gpus = [...this.#entries.values()].flatMap(({ gpu }) => gpu?.lane ?? []);
    return [...this.#lanes, ...gpus];
  }

  #target(): number {
    if (this.#entries.size === 0) return 0;
    const wanted = Math.max(1, ...this.#clients.map(({ workers }) => workers));
    const bytes = [...this.#entries.values()].reduce((sum, { files }) => sum + bytesOf(files), 0);
    return fitting(Math.min(wanted, this.#most), bytes);
  }

  /** Has as many workers as are wanted, each with all models. */
  #adjust(): void {
    if (this.#entries.size === 0) {
      this.#most = Number.POSITIVE_INFINITY;
      this.#deaths = 0;
    }
    for (const lane of this.#lanes.slice(this.#target())) {
      if (lane.jobs.length === 0) this.#remove(lane);
    }
    for (const lane of this.#lanes) for (const { files } of this.#entries.values()) lane.load(files);
    this.#grow().catch((error) => this.#failAll(error));
  }

  async #grow(): Promise<void> {
    if (this.#growing) return;
    this.#growing = true;
    try {
      while (this.#lanes.length < this.#target()) {
        const port = await this.#options.open();
        const [first] = this.#entries.values();
        if (!first || this.#lanes.length >= this.#target()) {
          port.terminate();
          continue;
        }
        if (!port.threaded) this.#most = 1;
        const start = { wasm: first.files.wasm, provider: "wasm" as const, software: false };
        const lane = new Lane(port, start, this.#events, this.#options.stallAfter);
        this.#lanes.push(lane);
        for (const { files } of this.#entries.values()) lane.load(files);
      }
    } finally {
      this.#growing = false;
    }
  }

  #remove(lane: Lane): void {
    this.#lanes = this.#lanes.filter((each) => each !== lane);
    this.#putBack(lane.end());
  }

  #loaded(key: string): void {
    this.#entries.get(key)?.settle.resolve();
    this.#changed();
  }

  #refused(lane: Lane, what: Refused, key: string | null, reason: string): void {
    const entry = key === null ? undefined : this.#entries.get(key);
    const others = this.#lanes.filter((each) => each !== lane && (isOutOfMemory(reason) || (key && each.holds(key))));
    if (others.length > 0) {
      // There is memory for some workers, and not for one more.
      this.#most = others.length;
      this.#remove(lane);
    } else if (what === "model" && entry) {
      this.#fail(entry, refusal(what, reason));
      return;
    } else if (key === null || entry) {
      this.#remove(lane);
      this.#failAll(refusal(what, reason));
    }
    this.#changed();
  }

  #died(lane: Lane, reason: string): void {
    const [head] = lane.jobs;
    if (head) head.deaths++;
    this.#remove(lane);
    if (++this.#deaths >= MOST_DEATHS) {
      this.#failAll(
        new EngineError("The model does not run here", `${this.#deaths} workers failed in a row: ${reason}`),
      );
    }
    if (head && head.deaths >= DEADLY) head.reject(new PieceFailed(reason));
    this.#adjust();
    this.#changed();
  }

  #changed(): void {
    for (const { onChange } of this.#clients) onChange();
    this.#pump();
  }

  /* ── pieces ──────────────────────────────────────────────────────────────────────────────────── */

  #done(job: Job, outcome: Outcome, gpu = false): void {
    const entry = this.#entries.get(job.key);
    if (!gpu) this.#deaths = 0;
    if (entry && !gpu && cellsOf(job.piece) > 0) {
      entry.pace = Math.min(entry.pace, outcome.ms / cellsOf(job.piece));
      const [client] = entry.users;
      const workers = () => (client ? Math.max(1, this.workersOf(client)) : 1);
      entry.gpu?.offer(job.piece, outcome, () => entry.pace / workers());
    }
    job.resolve(outcome);
    this.#pump();
  }

  /** Run pieces elsewhere: at once, but those last over which a worker died. */
  #putBack(jobs: Job[]): void {
    for (const job of jobs.toReversed()) {
      const client = this.#owners.get(job);
      if (!client || job.dropped || job.deaths >= DEADLY) continue;
      if (job.deaths > 0) client.queue.push(job);
      else client.queue.unshift(job);
    }
    this.#pump();
  }

  /** Gives each worker its next pieces: first those that have none. */
  #pump(): void {
    for (let posted = 0; posted < POSTED; posted++) {
      for (const lane of this.#all()) {
        if (lane.jobs.length > posted) continue;
        const job = this.#next(lane);
        if (job) lane.post(job);
      }
    }
  }

  #next(lane: Lane): Job | undefined {
    const client = this.#clients.find((each) => each.queue.length > 0 && this.#serves(lane, each));
    if (!client) return undefined;
    this.#clients = [...this.#clients.filter((each) => each !== client), client];
    return client.queue.shift();
  }

  #serves(lane: Lane, { entry, workers }: Client): boolean {
    const gpu = entry.gpu?.lane;
    if (gpu) return lane === gpu;
    const at = this.#lanes.indexOf(lane);
    return at >= 0 && at < workers && lane.holds(entry.files.key);
  }
}

const aborted = () => new DOMException("the piece was dropped", "AbortError");
