/** A model on WebGPU: tried beside the other workers, and kept while it is right and faster. */
import type { ModelFiles, Outcome, Piece } from "./api";
import { type Job, Lane, type LaneEvents } from "./lane";
import type { Port } from "./messages";
import { agree } from "./numbers";
import { cellsOf } from "./pieces";
import { refuse } from "./webgpu";

export interface GpuOptions {
  open: () => Promise<Port>;
  wasm: () => Promise<Uint8Array>;
  /** Whether a software adapter will do. */
  software: boolean;
  stallAfter: number;
  /** A piece came out. */
  done: (job: Job, outcome: Outcome) => void;
  /** Pieces to be run elsewhere. */
  back: (jobs: Job[]) => void;
  /** It was adopted, or given up. */
  changed: () => void;
}

export class Gpu {
  readonly #files: ModelFiles;
  readonly #options: GpuOptions;
  readonly #trials = new Set<Job>();
  #state: "untried" | "trying" | "kept" | "off" = "untried";
  #lane: Lane | null = null;
  #loaded: (() => void) | null = null;

  constructor(files: ModelFiles, options: GpuOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** Its worker, once it has proved right and faster. */
  get lane(): Lane | null {
    return this.#state === "kept" ? this.#lane : null;
  }

  /**
   * Try it on a piece, once. `expected` came of the other workers; `pace` tells how many milliseconds all of them
   * together take for a cell.
   */
  offer(piece: Piece, expected: Outcome, pace: () => number): void {
    if (this.#state !== "untried" || expected.failed.length > 0) return;
    this.#state = "trying";
    this.#try(piece, expected, pace).catch(() => this.end());
  }

  /** Give it up; its pieces are run elsewhere. */
  end(): void {
    if (this.#state === "off") return;
    const kept = this.#state === "kept";
    this.#state = "off";
    const jobs = this.#lane?.end() ?? [];
    this.#lane = null;
    for (const job of this.#trials) job.reject(new Error("given up"));
    if (!kept) return;
    this.#options.back(jobs);
    this.#options.changed();
  }

  async #try(piece: Piece, expected: Outcome, pace: () => number): Promise<void> {
    const { open, software, stallAfter } = this.#options;
    if ((await refuse(software)) !== null || this.#over()) return this.end();
    const wasm = await this.#options.wasm();
    const port = await open();
    if (!port.threaded || this.#over()) {
      port.terminate();
      return this.end();
    }
    const start = { wasm, provider: "webgpu" as const, software };
    this.#lane = new Lane(port, start, this.#events(), stallAfter);
    await this.#load(this.#lane);
    await this.#run(piece); // compiles its shaders
    const outcome = await this.#run(piece);
    const gains = outcome.ms / cellsOf(piece) < pace();
    if (!gains || !agree(expected, outcome)) return this.end();
    this.#state = "kept";
    this.#options.changed();
  }

  /** It may have been given up while something was awaited. */
  #over(): boolean {
    return this.#state === "off";
  }

  #load(lane: Lane): Promise<void> {
    return new Promise((resolve) => {
      this.#loaded = resolve;
      lane.load(this.#files);
    });
  }

  #run(piece: Piece): Promise<Outcome> {
    return new Promise<Outcome>((resolve, reject) => {
      const job: Job = { key: this.#files.key, piece, resolve, reject, dropped: false, deaths: 0 };
      if (!this.#lane) return reject(new Error("given up"));
      this.#trials.add(job);
      this.#lane.post(job);
    });
  }

  #events(): LaneEvents {
    return {
      loaded: () => this.#loaded?.(),
      refused: () => this.end(),
      died: () => this.end(),
      done: (_, job, outcome) => {
        if (this.#trials.delete(job)) job.resolve(outcome);
        else this.#options.done(job, outcome);
      },
      failed: (_, job) => {
        // A cell may be bad on any engine; whether it is, the other workers find out.
        if (!this.#trials.has(job)) this.#options.back([job]);
        this.end();
      },
    };
  }
}
