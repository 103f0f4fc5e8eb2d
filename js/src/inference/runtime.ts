/** A worker's inside: onnxruntime-web in one thread, with the models that it was given. */
// The worker for WebGPU has "onnxruntime-web/webgpu" in its place (see `worker.mjs`).
import * as ort from "onnxruntime-web/wasm";
import type { Outcome, Piece } from "./api";
import { compacted } from "./attention";
import { chained, type Stage, valuesOf } from "./chain";
import type { FromWorker, Load, Start, ToWorker } from "./messages";
import { withoutNan } from "./numbers";
import { cellsOf, cut, together } from "./pieces";
import { refuse } from "./webgpu";

interface Model {
  /** Run in this order. */
  stages: Stage[];
  /** What is wanted of what they give. */
  outputs: string[];
}

type Post = (message: FromWorker, transfer: Transferable[]) => void;

/** Answers messages one after the other. */
export class Runtime {
  readonly #post: Post;
  readonly #models = new Map<string, Model>();
  #start: Start | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(post: Post) {
    this.#post = post;
  }

  handle(message: ToWorker): void {
    this.#last = this.#last.then(() => this.#answer(message));
  }

  #say(message: FromWorker, transfer: Transferable[] = []): void {
    this.#post(message, transfer);
  }

  async #answer(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "start":
        return this.#begin(message);
      case "load":
        return this.#load(message);
      case "unload":
        return this.#unload(message.key);
      case "run":
        return this.#run(message.id, message.key, message.piece);
    }
  }

  async #begin(start: Start): Promise<void> {
    this.#start = start;
    ort.env.logLevel = "fatal";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    ort.env.wasm.wasmBinary = start.wasm;
    const reason = start.provider === "webgpu" ? await refuse(start.software) : null;
    if (reason !== null) this.#say({ type: "refused", what: "runtime", key: null, reason });
  }

  async #load({ key, stages, outputs }: Load): Promise<void> {
    const model: Model = { stages: [], outputs };
    try {
      // Some stages are small products: they are not worth the way to a GPU, but one provider serves a worker.
      for (const { graph, ...names } of stages) {
        model.stages.push({ session: await this.#session(graph), ...names });
        ort.env.wasm.wasmBinary = undefined; // it is compiled now
      }
      this.#models.set(key, model);
      this.#watchDevice();
      this.#say({ type: "loaded", key });
    } catch (error) {
      // Before there was a session, it may be the runtime itself that does not begin.
      const began = this.#models.size > 0 || model.stages.length > 0;
      const what = began || isOfModel(error) ? "model" : "runtime";
      this.#say({ type: "refused", what, key, reason: words(error) });
      await release(model);
    }
  }

  #session(bytes: Uint8Array): Promise<ort.InferenceSession> {
    return ort.InferenceSession.create(bytes, {
      executionProviders: [this.#start?.provider ?? "wasm"],
      // Batches differ in width, and a plan would be kept for every shape.
      enableMemPattern: false,
      logSeverityLevel: 4,
    });
  }

  /** A device that is lost comes back to no session. */
  #watchDevice(): void {
    if (this.#start?.provider !== "webgpu" || this.#models.size > 1) return;
    Promise.resolve(ort.env.webgpu.device)
      .then((device) => device?.lost)
      .then(() => this.#say({ type: "broken", reason: "the graphics device was lost" }))
      .catch(() => {});
  }

  async #unload(key: string): Promise<void> {
    const model = this.#models.get(key);
    this.#models.delete(key);
    if (model) await release(model);
  }

  async #run(id: number, key: string, piece: Piece): Promise<void> {
    try {
      const model = this.#models.get(key);
      if (!model) throw new Error("the model is not loaded");
      const outcome = await computeInParts(model, piece);
      this.#say(
        { type: "done", id, outcome },
        outcome.outputs.map(({ values }) => values.buffer),
      );
    } catch (error) {
      this.#say(
        isFatal(error) ? { type: "broken", reason: words(error) } : { type: "failed", id, reason: words(error) },
      );
    }
  }
}

async function computeInParts(model: Model, piece: Piece): Promise<Outcome> {
  const [cells, size] = [cellsOf(piece), piece.atOnce ?? Number.POSITIVE_INFINITY];
  if (cells <= size) return compute(model, piece);
  const parts: { cells: number; outcome: Outcome }[] = [];
  for (let begin = 0; begin < cells; begin += size) {
    const part = cut(piece, begin, Math.min(begin + size, cells));
    parts.push({ cells: cellsOf(part), outcome: await compute(model, part) });
  }
  return together(parts);
}

async function compute({ stages, outputs }: Model, piece: Piece): Promise<Outcome> {
  const began = performance.now();
  const cells = cellsOf(piece);
  const given = compacted(await chained(stages, valuesOf(piece), outputs, cells));
  return withoutNan(given, cells, performance.now() - began);
}

async function release({ stages }: Model): Promise<void> {
  for (const { session } of stages) await session.release();
}

/** What onnxruntime says of a graph, rather than of itself. */
function isOfModel(error: unknown): boolean {
  return /ERROR_CODE|can't create a session/i.test(words(error));
}

/** After these the instance of WebAssembly cannot be trusted, or refuses everything. */
function isFatal(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || typeof error === "number" || /\babort/i.test(words(error));
}

export function words(error: unknown): string {
  if (typeof error === "number") return "onnxruntime failed";
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().split("\n", 1)[0] ?? "";
}
