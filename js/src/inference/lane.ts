/** One worker as the pool sees it: the models that it holds, and the pieces that were posted to it. */
import type { ModelFiles, Outcome, Piece } from "./api";
import type { FromWorker, Port, Provider, Refused } from "./messages";
import { cellsOf } from "./pieces";
import { Watch } from "./watch";

/** A piece under way. */
export interface Job {
  key: string;
  piece: Piece;
  resolve(outcome: Outcome): void;
  reject(error: Error): void;
  /** Nobody waits for it any more. */
  dropped: boolean;
  /** Workers that died over it. */
  deaths: number;
}

export interface LaneEvents {
  loaded(lane: Lane, key: string): void;
  refused(lane: Lane, what: Refused, key: string | null, reason: string): void;
  done(lane: Lane, job: Job, outcome: Outcome): void;
  failed(lane: Lane, job: Job, reason: string): void;
  died(lane: Lane, reason: string): void;
}

/** How much longer than others a piece may take before its worker counts as stalled. */
const GENEROUS = 20;

export class Lane {
  readonly #port: Port;
  readonly #events: LaneEvents;
  readonly #stallAfter: number;
  readonly #watch = new Watch();
  readonly #models = new Map<string, "loading" | "loaded">();
  #posted: { id: number; job: Job }[] = [];
  #ids = 0;
  /** Milliseconds of a cell, as last measured. */
  #pace = 0;

  constructor(
    port: Port,
    start: { wasm: Uint8Array; provider: Provider; software: boolean },
    events: LaneEvents,
    stallAfter: number,
  ) {
    this.#port = port;
    this.#events = events;
    this.#stallAfter = stallAfter;
    port.onMessage = (message) => this.#receive(message);
    port.onDeath = (reason) => this.#die(reason);
    port.post({ type: "start", ...start });
  }

  get threaded(): boolean {
    return this.#port.threaded;
  }

  /** Pieces posted and not answered, the one that it works on first. */
  get jobs(): Job[] {
    return this.#posted.map(({ job }) => job);
  }

  holds(key: string): boolean {
    return this.#models.get(key) === "loaded";
  }

  load({ key, stages, outputs }: ModelFiles): void {
    if (this.#models.has(key)) return;
    this.#models.set(key, "loading");
    this.#port.post({ type: "load", key, stages, outputs });
    this.#look();
  }

  unload(key: string): void {
    if (this.#models.delete(key)) this.#port.post({ type: "unload", key });
    this.#look();
  }

  post(job: Job): void {
    const id = ++this.#ids;
    this.#posted.push({ id, job });
    this.#port.post({ type: "run", id, key: job.key, piece: job.piece });
    if (this.#posted.length === 1) this.#look();
  }

  /** Ends the worker, and gives back its pieces. */
  end(): Job[] {
    const { jobs } = this;
    this.#posted = [];
    this.#models.clear();
    this.#watch.stop();
    this.#port.terminate();
    return jobs;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "loaded":
        // Not when it was unloaded in the meantime.
        if (this.#models.has(message.key)) this.#models.set(message.key, "loaded");
        this.#look();
        return this.#events.loaded(this, message.key);
      case "refused":
        return this.#events.refused(this, message.what, message.key, message.reason);
      case "broken":
        return this.#die(message.reason);
      case "done": {
        const job = this.#take(message.id);
        if (!job) return;
        this.#pace = message.outcome.ms / Math.max(1, cellsOf(job.piece));
        return this.#events.done(this, job, message.outcome);
      }
      case "failed": {
        const job = this.#take(message.id);
        return job && this.#events.failed(this, job, message.reason);
      }
    }
  }

  #take(id: number): Job | undefined {
    const at = this.#posted.findIndex((each) => each.id === id);
    const [found] = at < 0 ? [] : this.#posted.splice(at, 1);
    this.#look();
    return found?.job;
  }

  #die(reason: string): void {
    this.#watch.stop();
    this.#events.died(this, reason);
  }

  /** Begins to wait for the next answer. */
  #look(): void {
    this.#watch.stop();
    const [head] = this.#posted;
    if (!head && ![...this.#models.values()].includes("loading")) return;
    const expected = head ? this.#pace * cellsOf(head.job.piece) : 0;
    this.#watch.begin(Math.max(this.#stallAfter, GENEROUS * expected), () => this.#die("the worker does not answer"));
  }
}
