/** Models alone, for tests and measurements: `engine` runs pieces on one worker of either kind, or on the pool. */

import webgpuText from "virtual:inference-webgpu-worker";
import workerText from "virtual:inference-worker";
import type { LoadedModel, ModelFiles, Outcome, Piece, PoolOptions, StageFile } from "../src/inference/api";
import { Lane } from "../src/inference/lane";
import { makePool } from "../src/inference/pool";
import { portOpener } from "../src/inference/port";

/** Bytes as base64; the runtime's gzipped too. */
interface Told extends Omit<ModelFiles, "wasm" | "webgpu" | "stages"> {
  wasm: string;
  webgpu?: string;
  stages: (Omit<StageFile, "graph"> & { graph: string })[];
}

interface ToldPiece {
  indptr: number[];
  genes: number[];
  counts: number[];
  total?: number[];
  uniform?: number[];
  batch?: number[];
}

interface ToldOutcome extends Omit<Outcome, "outputs"> {
  outputs: Record<string, { width: number; values: number[] }>;
}

const bytes = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

async function inflated(text: string): Promise<Uint8Array> {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function filesOf({ wasm, webgpu, stages, ...more }: Told): Promise<ModelFiles> {
  return {
    ...more,
    wasm: await inflated(wasm),
    stages: stages.map(({ graph, ...names }) => ({ graph: bytes(graph), ...names })),
    ...(webgpu && { webgpu: () => inflated(webgpu) }),
  };
}

function pieceOf({ indptr, genes, counts, total, uniform, batch }: ToldPiece): Piece {
  return {
    indptr: Uint32Array.from(indptr),
    genes: Uint16Array.from(genes),
    counts: Float32Array.from(counts),
    ...(total && { total: Float32Array.from(total) }),
    ...(uniform && { uniform: Float64Array.from(uniform) }),
    ...(batch && { batch: Uint32Array.from(batch) }),
  };
}

function told({ outputs, failed, ms }: Outcome): ToldOutcome {
  const named = outputs.map(({ name, width, values }) => [name, { width, values: Array.from(values) }]);
  return { outputs: Object.fromEntries(named), failed, ms };
}

/** One worker without a pool around it: what it refuses is an error. */
async function alone(provider: "wasm" | "webgpu", files: ModelFiles): Promise<(piece: Piece) => Promise<Outcome>> {
  const port = await portOpener(provider === "wasm" ? workerText : webgpuText)();
  const wasm = provider === "wasm" ? files.wasm : await files.webgpu?.();
  if (!wasm) throw new Error("the runtime for WebGPU is missing");
  return new Promise((resolve, reject) => {
    let fail = reject;
    const events = {
      loaded: () =>
        resolve(
          (piece) =>
            new Promise((done, failed) => {
              fail = failed;
              lane.post({ key: files.key, piece, resolve: done, reject: failed, dropped: false, deaths: 0 });
            }),
        ),
      refused: (_: Lane, what: string, __: string | null, reason: string) => fail(new Error(`${what}: ${reason}`)),
      done: (_: Lane, job: { resolve(outcome: Outcome): void }, outcome: Outcome) => job.resolve(outcome),
      failed: (_: Lane, job: { reject(error: Error): void }, reason: string) => job.reject(new Error(reason)),
      died: (_: Lane, reason: string) => fail(new Error(reason)),
    };
    const lane = new Lane(port, { wasm, provider, software: true }, events, 60_000);
    lane.load(files);
  });
}

const runs: ((piece: Piece) => Promise<Outcome>)[] = [];
const models: LoadedModel[] = [];

const engine = {
  /** Start one worker with a model; gives its number. */
  async start(provider: "wasm" | "webgpu", files: Told): Promise<{ at: number; ms: number }> {
    const ready = await filesOf(files);
    const began = performance.now();
    runs.push(await alone(provider, ready));
    return { at: runs.length - 1, ms: performance.now() - began };
  },
  async run(at: number, pieces: ToldPiece[]): Promise<ToldOutcome[]> {
    const outcomes: ToldOutcome[] = [];
    for (const piece of pieces) outcomes.push(told(await runs[at]!(pieceOf(piece))));
    return outcomes;
  },
  /** Load a model into a pool; gives its number. */
  async load(files: Told, options: PoolOptions): Promise<number> {
    models.push(await makePool().load(await filesOf(files), options));
    return models.length - 1;
  },
  async pooled(at: number, pieces: ToldPiece[]): Promise<ToldOutcome[]> {
    return Promise.all(pieces.map(async (piece) => told(await models[at]!.run(pieceOf(piece)))));
  },
  state: (at: number) => ({ workers: models[at]!.workers, backend: models[at]!.backend }),
};

Object.assign(globalThis, { engine });
