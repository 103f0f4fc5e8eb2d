/** Bundles the workers to text, which the widget carries inside: one file, and nothing to fetch. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Modules that stand for a bundled worker's text: its entry, and what is put in another's place. */
export const WORKERS = {
  "virtual:view-worker": { entry: "src/view/worker.ts" },
  "virtual:inference-worker": { entry: "src/inference/worker.ts" },
  "virtual:inference-webgpu-worker": {
    entry: "src/inference/worker.ts",
    alias: { "onnxruntime-web/wasm": "onnxruntime-web/webgpu" },
  },
};

/** Stands in for the hash of a build until the text to be hashed is known. */
export const BUILD_PLACEHOLDER = "cellwidget-build-0";

/** What every bundle of ours has in common; `minify` also drops the names. */
export function options(minify) {
  return {
    absWorkingDir: here,
    bundle: true,
    write: false,
    metafile: true,
    minify,
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".css": "text" },
    define: { __BUILD__: JSON.stringify(BUILD_PLACEHOLDER) },
    legalComments: "none",
    logLevel: "silent",
  };
}

/**
 * A classic script, since module workers from a blob fail on `file://`. What it exports is found in the variable `worker`.
 * Returns its text and the files it is made of.
 */
export async function bundleWorker(name, { minify }) {
  const { outputFiles, metafile } = await build({
    ...options(minify),
    entryPoints: [WORKERS[name].entry],
    alias: WORKERS[name].alias ?? {},
    format: "iife",
    globalName: "worker",
    define: { "import.meta.url": "self.location.href", ...options(minify).define },
  });
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}
