/** Whether a model can run on this page at all, and on how many workers. */
import { EngineError, type ModelFiles } from "./api";

/** Memory of a WebAssembly instance is 4 GB at most, and a model's weights lie in it twice while it loads. */
const LARGEST_MODEL = 1.9e9;
const MEMORY = 3e9;
const PER_WORKER = 100e6;
/** A model as it came, as onnxruntime reads it, and as it keeps it. */
const COPIES = 3;

/** A module whose one function uses SIMD. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

export const bytesOf = ({ stages }: Pick<ModelFiles, "stages">): number =>
  stages.reduce((sum, { graph }) => sum + graph.byteLength, 0);

/** Refuse what cannot work. */
export function checkFits(files: ModelFiles): void {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(new Uint8Array(SIMD))) {
    throw new EngineError(
      "This browser cannot run models",
      "Its WebAssembly has no SIMD instructions, which onnxruntime-web needs.",
    );
  }
  const bytes = bytesOf(files);
  if (bytes > LARGEST_MODEL) {
    const size = (bytes / 1e9).toFixed(1);
    const most = (LARGEST_MODEL / 1e9).toFixed(1);
    throw new EngineError(
      "The model is too large for a browser tab",
      `It has ${size} GB; a tab can hold models of up to ${most} GB.`,
    );
  }
}

/** How many workers may hold models of so many bytes, of those that are wanted. */
export function fitting(workers: number, bytes: number): number {
  return Math.max(1, Math.min(workers, Math.floor(MEMORY / (COPIES * bytes + PER_WORKER))));
}

const OUT_OF_MEMORY = /failed to allocate|bad_alloc|out of memory|bad allocation|allocation failed/i;

export const isOutOfMemory = (reason: string): boolean => OUT_OF_MEMORY.test(reason);

/** Why a worker could not begin or load a model, in words for people. */
export function refusal(what: "runtime" | "model", reason: string): EngineError {
  if (isOutOfMemory(reason)) {
    return new EngineError("Memory ran out", `The model does not fit into the memory of this browser tab: ${reason}`);
  }
  return what === "runtime"
    ? new EngineError("onnxruntime-web does not start", `Its WebAssembly cannot be used on this page: ${reason}`)
    : new EngineError("The model cannot be loaded here", `onnxruntime-web refuses it: ${reason}`);
}
