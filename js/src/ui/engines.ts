/** What is said of the places where a model runs. Pure. */
import type { EngineName, RunState, Schema } from "../protocol";
import { plural } from "./format";
import type { IconName } from "./parts/Icon";

export const ENGINES: Record<EngineName, { name: string; icon: IconName; line: string }> = {
  kernel: { name: "Kernel", icon: "chip", line: "In Python, with onnxruntime" },
  browser: { name: "Browser", icon: "page", line: "On this page, with onnxruntime-web; no load on the kernel" },
};

/** Where this model can run, of the places that a session reaches. */
export function enginesOf(schema: Schema | null, reach: readonly EngineName[]): EngineName[] {
  return schema ? schema.engines.filter((engine) => reach.includes(engine)) : [];
}

/** What the engine computes with, most telling first: "2 workers" and "WASM", "WebGPU", "1 thread". Empty: not known. */
export function engineDetails({ engine, backend, workers }: RunState): string[] {
  if (backend === null) return [];
  if (engine === "kernel") return workers > 0 ? [plural(workers, "thread")] : [];
  if (backend === "webgpu") return workers > 1 ? ["WebGPU", plural(workers, "worker")] : ["WebGPU"];
  // Without workers the page's own thread does it.
  return [workers > 0 ? plural(workers, "worker") : "1 thread", "WASM"];
}

/** For a list of facts: "browser · 2 workers · WASM". */
export function engineLine(run: RunState): string {
  return [run.engine, ...engineDetails(run)].join(" · ");
}
