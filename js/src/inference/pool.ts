/** The page's workers and the models that they run, shared by all its widgets. */

import webgpuText from "virtual:inference-webgpu-worker";
import workerText from "virtual:inference-worker";
import type { LoadedModel, ModelFiles, Outcome, Piece, PoolOptions } from "./api";
import { Careful } from "./careful";
import { checkFits } from "./fits";
import { portOpener } from "./port";
import { type Client, Scheduler, type SchedulerOptions } from "./scheduler";

const STALL_AFTER = 60_000;
const IDLE_AFTER = 30_000;

/** A pool of its own; `options` are for tests. */
export function makePool(options: Partial<SchedulerOptions> = {}) {
  const scheduler = new Scheduler({
    open: portOpener(workerText),
    openGpu: portOpener(webgpuText),
    stallAfter: STALL_AFTER,
    idleAfter: IDLE_AFTER,
    ...options,
  });
  return {
    /** Load a model. Rejects with `EngineError` where it cannot run. */
    async load(files: ModelFiles, how: PoolOptions): Promise<LoadedModel> {
      checkFits(files);
      const client = scheduler.join(files, how);
      try {
        await client.entry.ready;
      } catch (error) {
        scheduler.leave(client);
        throw error;
      }
      return new Loaded(scheduler, client);
    },
  };
}

class Loaded implements LoadedModel {
  readonly #scheduler: Scheduler;
  readonly #client: Client;
  readonly #careful: Careful;

  constructor(scheduler: Scheduler, client: Client) {
    this.#scheduler = scheduler;
    this.#client = client;
    this.#careful = new Careful((piece) => scheduler.run(client, piece));
  }

  get workers(): number {
    return this.#scheduler.workersOf(this.#client);
  }

  get backend(): "wasm" | "webgpu" {
    return this.#client.entry.gpu?.lane ? "webgpu" : "wasm";
  }

  run(piece: Piece): Promise<Outcome> {
    return this.#careful.run(piece);
  }

  cancel(): void {
    this.#scheduler.cancel(this.#client);
  }

  close(): void {
    this.#scheduler.leave(this.#client);
  }
}

/** Every widget evaluates this module anew, so what they share hangs on the page under the build's hash. */
const KEY = Symbol.for(`cellwidget.inference.${__BUILD__}`);
const page = globalThis as unknown as Record<symbol, ReturnType<typeof makePool> | undefined>;

/** Load a model into the page's pool. Rejects with `EngineError` where it cannot run. */
export function loadModel(files: ModelFiles, options: PoolOptions): Promise<LoadedModel> {
  page[KEY] ??= makePool();
  return page[KEY].load(files, options);
}
