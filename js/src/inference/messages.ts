/** Between the pool and a worker that runs models, in a thread of its own or not. */
import type { Outcome, Piece, StageFile } from "./api";

export type Provider = "wasm" | "webgpu";

/** What a worker needs to begin. */
export interface Start {
  type: "start";
  wasm: Uint8Array;
  provider: Provider;
  /** Whether a software adapter will do for WebGPU. */
  software: boolean;
}

/** What a worker needs of a model. */
export interface Load {
  type: "load";
  key: string;
  stages: StageFile[];
  outputs: string[];
}

export type ToWorker =
  | Start
  | Load
  | { type: "unload"; key: string }
  | { type: "run"; id: number; key: string; piece: Piece };

/** What a worker could not do: begin, or load a model. */
export type Refused = "runtime" | "model";

export type FromWorker =
  /** The first word: workers are allowed here. */
  | { type: "alive" }
  | { type: "loaded"; key: string }
  | { type: "refused"; what: Refused; key: string | null; reason: string }
  | { type: "done"; id: number; outcome: Outcome }
  /** A piece failed. */
  | { type: "failed"; id: number; reason: string }
  /** The worker is of no use any more. */
  | { type: "broken"; reason: string };

/** A worker as the pool holds it. */
export interface Port {
  /** Where it runs: in a thread of its own, or on the page's. */
  readonly threaded: boolean;
  onMessage: (message: FromWorker) => void;
  /** It died. */
  onDeath: (reason: string) => void;
  post(message: ToWorker): void;
  terminate(): void;
}
