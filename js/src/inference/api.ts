/**
 * Running a model on the page: a pool of workers, each with onnxruntime-web in one thread of its own (pages of notebooks
 * are not cross-origin isolated, so there are no threads inside WASM).
 */
import type { Backend } from "../protocol";
import type { Cells } from "../session/session";

/** Some cells, to be run together. */
export interface Piece extends Cells {
  /** Cells to compute at once, for what lies in cache; all of them where absent. */
  atOnce?: number;
}

export interface Output {
  name: string;
  width: number;
  /** [cells, width]; of an `Outcome` without the cells that failed. Positions of genes are whole. */
  values: Float32Array | Int32Array;
}

export interface Outcome {
  outputs: Output[];
  /** Positions in the piece, and why. */
  failed: [number, string][];
  /** Milliseconds that a worker spent on it. */
  ms: number;
}

/** A graph of a model; names as in `StageSpec`. */
export interface StageFile {
  graph: Uint8Array;
  inputs: Record<string, string>;
  outputs: Record<string, string>;
}

/** A model as the page holds it. */
export interface ModelFiles {
  /** Same key, same model: it is loaded once. */
  key: string;
  /** The runtime's WebAssembly, inflated. */
  wasm: Uint8Array;
  /**
   * Brings that of the build for WebGPU, once it is worth a try. Absent for models that compute in float64, which that
   * build cannot.
   */
  webgpu?: () => Promise<Uint8Array>;
  stages: StageFile[];
  /** What is wanted of what they give. */
  outputs: string[];
}

export interface PoolOptions {
  /** How many workers. */
  workers: number;
  /** Whether WebGPU is tried: never, on real hardware, or on any adapter. */
  gpu: "never" | "hardware" | "any";
  /** Told when workers came, went, or the backend changed. */
  onChange?: () => void;
}

/** The engine cannot work here; what it says is for people. */
export class EngineError extends Error {
  constructor(
    readonly title: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** A model, ready to run. */
export interface LoadedModel {
  /** Workers that are at work now; 0 where the main thread does it. */
  readonly workers: number;
  readonly backend: Backend;
  /**
   * Run some cells on the next worker that is free. A worker that dies or stalls loses nothing, a batch that fails is
   * run again in halves, and a cell that fails alone is told in the outcome. Rejects with `EngineError` when the engine
   * gives up, with an `AbortError` for pieces that `cancel` dropped.
   */
  run(piece: Piece): Promise<Outcome>;
  /** Drop the pieces that no worker has begun. */
  cancel(): void;
  close(): void;
}
