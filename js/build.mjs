/**
 * Builds the front end: `node build.mjs [--dev] [--watch]`.
 *
 * Without options, ../src/cellwidget/static/: widget.js, one minified module, worker texts included, and the runtimes of
 * inference, onnxruntime*.wasm.gz, which the kernel sends to pages that run models. `--dev` builds the
 * pages of dev/ into dist/ too, readable; `--watch` does all again, readable, whenever a source changes.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { writeRuntimes } from "./runtime.mjs";
import { BUILD_PLACEHOLDER, bundleWorker, options, WORKERS } from "./worker.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const packaged = resolve(here, "../src/cellwidget/static");
const flags = new Set(process.argv.slice(2));
const watch = flags.has("--watch");
const minify = !watch;

/** A widget's code goes through the comm with every widget and stays in saved notebooks. */
const MOST_BYTES = 500_000;

const workers = {
  name: "workers",
  setup(build) {
    build.onResolve({ filter: /^virtual:/ }, ({ path }) =>
      path in WORKERS ? { path, namespace: "worker" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "worker" }, async ({ path }) => {
      const { text, inputs } = await bundleWorker(path, { minify: build.initialOptions.minify });
      return { contents: text, loader: "text", watchFiles: inputs.map((file) => join(here, file)) };
    });
  },
};

/** Writes the outputs with the hash of their text, after `check` has seen them. */
const output = (check) => ({
  name: "output",
  setup(build) {
    build.onEnd(async ({ errors, outputFiles = [] }) => {
      if (errors.length > 0) return;
      for (const { path, text } of outputFiles) {
        const hash = createHash("sha256").update(text).digest("hex").slice(0, BUILD_PLACEHOLDER.length);
        const stamped = text.replaceAll(BUILD_PLACEHOLDER, hash);
        check(path, Buffer.byteLength(stamped));
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, stamped);
      }
    });
  },
});

function checkSize(path, bytes) {
  const size = `${path}: ${(bytes / 1000).toFixed(0)} KB`;
  if (minify && bytes > MOST_BYTES) throw new Error(`${size}, over the limit of ${MOST_BYTES / 1000} KB`);
  console.log(size);
}

function widget() {
  return {
    ...options(minify),
    entryPoints: ["src/index.ts"],
    outfile: join(packaged, "widget.js"),
    format: "esm",
    plugins: [workers, output(checkSize)],
  };
}

async function pages() {
  if (!existsSync(join(here, "dev"))) return null;
  const files = await readdir(join(here, "dev"));
  await mkdir(join(here, "dist"), { recursive: true });
  for (const page of files.filter((file) => file.endsWith(".html"))) {
    await copyFile(join(here, "dev", page), join(here, "dist", page));
  }
  // A script of a page has the page's name; what else lies there is imported by them.
  const entryPoints = files.filter((file) => files.includes(file.replace(/\.tsx?$/, ".html")) && /\.tsx?$/.test(file));
  return {
    ...options(false),
    entryPoints: entryPoints.map((file) => `dev/${file}`),
    outdir: join(here, "dist"),
    // Classic scripts open from file:// too.
    format: "iife",
    sourcemap: "inline",
    plugins: [workers, output(() => {})],
  };
}

await writeRuntimes(packaged);
const builds = [widget(), flags.has("--dev") || watch ? await pages() : null].filter((build) => build !== null);
for (const one of builds) {
  const made = await context({ ...one, logLevel: "info" });
  if (watch) await made.watch();
  else await made.rebuild().catch(() => (process.exitCode = 1));
  if (!watch) await made.dispose();
}
