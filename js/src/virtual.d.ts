/** What the build puts in (see `build.mjs`). */

/** The text of the view worker, a classic script. */
declare module "virtual:view-worker" {
  const text: string;
  export default text;
}

/** The text of an inference worker, a classic script that leaves its exports in the variable `worker`. */
declare module "virtual:inference-worker" {
  const text: string;
  export default text;
}

/** The same with onnxruntime's build for WebGPU. */
declare module "virtual:inference-webgpu-worker" {
  const text: string;
  export default text;
}

/** A file's address, in tests. */
declare module "*?url" {
  const url: string;
  export default url;
}

declare module "*.css" {
  const text: string;
  export default text;
}

/** The hash of this build: page-wide singletons hang on `globalThis` under it, since every widget evaluates the module. */
declare const __BUILD__: string;
