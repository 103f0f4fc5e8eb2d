/** Runs a session's cells on the page while its run says so: pulls cells, has them run, and sends back what comes out. */
import type { Asset, AssetName, Command, Equipment, RunState, StageSpec } from "../protocol";
import type { EnginePort, Lease, LeaseResult } from "../session/session";
import { EngineError, type LoadedModel, type ModelFiles, type PoolOptions } from "./api";
import { file } from "./files";
import { Leases } from "./leases";
import { Sizes } from "./sizes";

export type OpenModel = (files: ModelFiles, options: PoolOptions) => Promise<LoadedModel>;
export type Progress = { loaded: number; total: number } | null;

/** Milliseconds between two words to the other side, which takes a silent page to be gone. */
const HEARTBEAT = 2_000;
/** Milliseconds of work to hold: what hides the way there and back. */
const AHEAD = 1_200;
/** Bytes of cells to hold, at most. */
const MOST_BYTES = 8e6;
const FIRST_ROOM = 64;
/** Characters of a reason. */
const LONGEST = 400;

interface Loaded {
  model: LoadedModel;
  sizes: Sizes;
}

export class Runner {
  readonly #port: EnginePort;
  readonly #open: OpenModel;
  readonly #download: (progress: Progress) => void;
  readonly #leases = new Leases();
  readonly #stopServing: () => void;
  #state: RunState | null = null;
  #loading: Promise<void> | null = null;
  #loaded: Loaded | null = null;
  /** What the page said, and the kernel has not heard yet. */
  #held: "pause" | "stop" | null = null;
  #failed = false;
  #inFlight = 0;
  #room = 0;
  #heart: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(port: EnginePort, open: OpenModel, download: (progress: Progress) => void) {
    this.#port = port;
    this.#open = open;
    this.#download = download;
    this.#stopServing = port.serve((lease) => this.#take(lease));
  }

  /** Where the run stands, as the other side tells it. */
  state(state: RunState): void {
    if (state.run !== this.#state?.run) {
      this.#drop();
      this.#leases.restart();
      this.#failed = false;
    }
    this.#state = state;
    const runs = state.status === "running" || state.status === "waiting";
    if (!runs || state.engine !== "browser") {
      this.#held = null;
      this.#failed = false;
    }
    if (!this.#needed) this.#unload();
    // Until the other side knows that this page works, it would say that none does.
    if (state.status !== "waiting" && !this.#loading) this.#download(null);
    if (this.#going) this.#go();
    else this.#rest();
  }

  /** What people ask for takes effect here at once: the kernel may be busy. */
  command(name: Command): void {
    this.#held = name === "pause" ? "pause" : name === "stop" || name === "kernel" ? "stop" : null;
    if (this.#held === "stop") this.#drop();
    else if (!this.#held) this.#failed = false;
  }

  close(): void {
    this.#closed = true;
    this.#unload();
    this.#rest();
    this.#stopServing();
  }

  /** Whether the run is one that this page may go on with. */
  get #needed(): boolean {
    const { status, engine } = this.#state ?? {};
    return !this.#closed && engine === "browser" && ["running", "waiting", "paused"].includes(status ?? "");
  }

  get #going(): boolean {
    return this.#needed && this.#state?.status !== "paused" && !this.#held && !this.#failed;
  }

  #go(): void {
    if (!this.#loaded) {
      this.#loading ??= this.#load()
        .catch((error) => this.#giveUp(error))
        .finally(() => {
          this.#loading = null;
          if (!this.#loaded) this.#download(null);
        });
      return;
    }
    this.#heart ??= setInterval(() => this.#pull(), HEARTBEAT);
    this.#pull();
    this.#work();
  }

  #rest(): void {
    clearInterval(this.#heart);
    this.#heart = undefined;
    this.#room = 0;
  }

  #drop(): void {
    this.#leases.clear();
    this.#loaded?.model.cancel();
  }

  /** Lets go of the model; the pool keeps it for a while, in case that the run goes on. */
  #unload(): void {
    this.#drop();
    this.#loaded?.model.close();
    this.#loaded = null;
  }

  /* ── loading ─────────────────────────────────────────────────────────────────────────────────── */

  async #load(): Promise<void> {
    const equipment = await this.#port.equip();
    const files = await this.#files(equipment);
    const { outputs, workers } = equipment;
    const loaded = await this.#open(
      { ...files, outputs },
      { workers: workers ?? defaultWorkers(), gpu: "hardware", onChange: () => this.#going && this.#pull() },
    );
    if (!this.#needed) return loaded.close();
    this.#loaded = { model: loaded, sizes: new Sizes(equipment.largest_batch) };
    if (this.#going) this.#go();
  }

  async #files({ assets, stages }: Equipment) {
    const names: AssetName[] = ["wasm", ...stages.map(({ asset }) => asset)];
    const total = names.reduce((sum, name) => sum + (assets[name]?.bytes ?? 0), 0);
    const came = new Map<AssetName, number>();
    const bring = async (name: AssetName) => {
      const asset = assets[name];
      if (!asset) throw new Error(`the file ${name} is missing`);
      const progress = (bytes: number) => {
        came.set(name, bytes);
        this.#download({ loaded: [...came.values()].reduce((sum, each) => sum + each, 0), total });
      };
      return this.#file(name, asset, progress);
    };
    const [wasm, ...graphs] = await Promise.all(names.map(bring));
    const { webgpu } = assets;
    return {
      key: keyOf(assets, stages),
      wasm: wasm as Uint8Array,
      stages: stages.map(({ inputs, outputs }, at) => ({ graph: graphs[at] as Uint8Array, inputs, outputs })),
      ...(webgpu && { webgpu: () => this.#file("webgpu", webgpu, () => {}) }),
    };
  }

  #file(name: AssetName, asset: Asset, progress: (bytes: number) => void): Promise<Uint8Array> {
    const fetch = (name: AssetName, progress: (bytes: number) => void) => this.#port.asset(name, progress);
    return file(name, asset, fetch, progress, name === "wasm" || name === "webgpu");
  }

  #giveUp(error: unknown): void {
    if (this.#closed || this.#failed || !this.#state) return;
    this.#failed = true;
    this.#unload();
    this.#rest();
    const title = error instanceof EngineError ? error.title : "The model does not run on this page";
    const detail = error instanceof Error ? error.message : String(error);
    const words = detail.trim().slice(0, LONGEST) || "the browser does not say why";
    this.#port.gaveUp(this.#state.run, title.slice(0, LONGEST), words).catch(() => {});
  }

  /* ── working ─────────────────────────────────────────────────────────────────────────────────── */

  #pull(): void {
    const [state, loaded] = [this.#state, this.#loaded];
    if (!state || !loaded || !this.#going) return;
    const { workers, backend } = loaded.model;
    this.#room = this.#wanted(loaded);
    const { held, seen } = this.#leases;
    this.#port.pull({ run: state.run, room: this.#room, leases: held, seen, workers: Math.max(1, workers), backend });
  }

  #wanted({ model, sizes }: Loaded): number {
    const rate = sizes.rate * Math.max(1, model.workers);
    const least = Math.max(FIRST_ROOM, 4 * sizes.piece * Math.max(1, model.workers));
    const cells = Math.max(least, Math.ceil(rate * AHEAD));
    const bytes = this.#leases.cellBytes;
    return bytes > 0 ? Math.max(1, Math.min(cells, Math.floor(MOST_BYTES / bytes))) : cells;
  }

  #take(lease: Lease): void {
    if (lease.run !== this.#state?.run) return;
    if (!this.#needed || this.#failed || this.#held === "stop") return this.#leases.pass(lease);
    this.#leases.add(lease);
    this.#work();
  }

  #work(): void {
    const loaded = this.#loaded;
    if (!loaded || !this.#going) return;
    const { model, sizes } = loaded;
    while (this.#inFlight < 2 * Math.max(1, model.workers)) {
      const cut = this.#leases.next(sizes.piece);
      if (!cut) return;
      const atOnce = sizes.size;
      this.#inFlight++;
      model
        .run({ ...cut.piece, atOnce })
        .then((outcome) => {
          sizes.measured(atOnce, cut.cells, outcome.ms);
          const result = cut.done(outcome);
          if (result) this.#give(result);
        })
        .catch((error) => {
          if ((error as Error).name !== "AbortError") this.#giveUp(error);
        })
        .finally(() => {
          this.#inFlight--;
          this.#work();
        });
    }
  }

  #give(result: LeaseResult): void {
    const settle = () => this.#leases.settle(result.lease);
    this.#port.results(result).then(settle, settle);
    const loaded = this.#loaded;
    if (loaded && Math.abs(this.#wanted(loaded) - this.#room) > this.#room / 2) this.#pull();
  }
}

function defaultWorkers(): number {
  return Math.max(1, (navigator.hardwareConcurrency || 2) - 1);
}

/** Same graphs under the same names, same model. */
function keyOf(assets: Equipment["assets"], stages: StageSpec[]): string {
  return JSON.stringify(stages.map((stage) => [assets[stage.asset]?.sha256, stage]));
}
