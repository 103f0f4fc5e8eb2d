/** A worker's inside: onnxruntime-web in one thread, with the models that it was given. */
// The worker for WebGPU has "onnxruntime-web/webgpu" in its place (see `worker.mjs`).
import * as ort from "onnxruntime-web/wasm";
import type { Outcome, Output, Piece } from "./api";
import { padded } from "./feed";
import type { FromWorker, Load, Start, ToWorker } from "./messages";
import { withoutNan } from "./numbers";
import { cellsOf, cut, together } from "./pieces";
import { refuse } from "./webgpu";

interface Model {
  graph: ort.InferenceSession;
  umap: ort.InferenceSession | null;
  /** What is wanted, of either. */
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

  async #load({ key, model, umap, outputs }: Load): Promise<void> {
    try {
      const graph = await this.#session(model);
      // The layout is some small products: they are not worth the way to a GPU, but one provider serves a worker.
      ort.env.wasm.wasmBinary = undefined; // it is compiled now
      this.#models.set(key, { graph, umap: umap && (await this.#session(umap)), outputs });
      this.#watchDevice();
      this.#say({ type: "loaded", key });
    } catch (error) {
      // Before there was a session, it may be the runtime itself that does not begin.
      const what = this.#models.size === 0 && !isOfModel(error) ? "runtime" : "model";
      this.#say({ type: "refused", what, key, reason: words(error) });
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
    await model?.graph.release();
    await model?.umap?.release();
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

async function compute(model: Model, piece: Piece): Promise<Outcome> {
  const began = performance.now();
  const { graph, umap, outputs } = model;
  const wanted = new Set(umap ? [...outputs, "embedding"] : outputs);
  const names = graph.outputNames.filter((name) => wanted.has(name));
  const { cells, ...feed } = feedOf(graph.inputNames, piece);
  const made = await run(graph, feed, names, cells);
  const source = umap?.inputNames[0];
  if (umap && source !== undefined) {
    const embedding = made.find(({ name }) => name === "embedding");
    if (!embedding) throw new Error("the model gives no embedding, which its layout needs");
    const tensor = new ort.Tensor("float32", embedding.values, [cells, embedding.width]);
    const [xy] = await run(umap, { tensors: { [source]: tensor } }, umap.outputNames.slice(0, 1), cells);
    if (xy) made.push({ ...xy, name: "xy" });
  }
  const given = made.filter(({ name }) => outputs.includes(name));
  return withoutNan(given, cells, performance.now() - began);
}

function feedOf(inputs: readonly string[], piece: Piece): { cells: number; tensors: Record<string, ort.Tensor> } {
  const { cells, width, genes, counts } = padded(piece);
  const { total, uniform, batch } = piece;
  const known: Record<string, () => ort.Tensor | undefined> = {
    genes: () => new ort.Tensor("int32", genes, [cells, width]),
    counts: () => new ort.Tensor("float32", counts, [cells, width]),
    total: () => total && new ort.Tensor("float32", total, [cells]),
    uniform: () => uniform && new ort.Tensor("float64", uniform, [cells, uniform.length / cells]),
    batch: () => batch && new ort.Tensor("int64", BigInt64Array.from(batch, BigInt), [cells]),
  };
  const tensors: Record<string, ort.Tensor> = {};
  for (const name of inputs) {
    const tensor = known[name]?.();
    if (!tensor) throw new Error(`the model needs the input "${name}", which these cells do not carry`);
    tensors[name] = tensor;
  }
  return { cells, tensors };
}

/** Run a graph; nothing of its tensors is left behind, on no device. */
async function run(
  graph: ort.InferenceSession,
  { tensors }: { tensors: Record<string, ort.Tensor> },
  names: string[],
  cells: number,
): Promise<Output[]> {
  let made: ort.InferenceSession.OnnxValueMapType = {};
  try {
    made = await graph.run(tensors, names);
    return await Promise.all(names.map((name) => output(name, made[name] as ort.Tensor, cells)));
  } finally {
    for (const tensor of [...Object.values(tensors), ...Object.values(made)]) tensor.dispose();
  }
}

async function output(name: string, tensor: ort.Tensor, cells: number): Promise<Output> {
  if (tensor.dims[0] !== cells) throw new Error(`the engine gave ${tensor.dims[0]} results for ${cells} cells`);
  const data = (await tensor.getData()) as ArrayLike<number>;
  return { name, width: data.length / cells, values: Float32Array.from(data) };
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
