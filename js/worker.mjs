/** Bundles the workers to text, which the widget carries inside: one file, and nothing to fetch. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Modules that stand for a bundled worker's text. */
export const WORKERS = { "virtual:view-worker": "src/view/worker.ts" };

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

/** A classic script, since module workers from a blob fail on `file://`. Returns its text and the files it is made of. */
export async function bundleWorker(name, { minify }) {
  const { outputFiles, metafile } = await build({
    ...options(minify),
    entryPoints: [WORKERS[name]],
    format: "iife",
    define: { "import.meta.url": "self.location.href", ...options(minify).define },
  });
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}
