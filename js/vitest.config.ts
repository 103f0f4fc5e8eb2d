/** `unit`: everything without a page, in Node. `browser`: what needs WebGL or the DOM, in a real Chromium, no imitation. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type Plugin } from "vitest/config";
import { bundleWorker, WORKERS } from "./worker.mjs";

/** Modules that stand for a worker's text, as `build.mjs` has them. */
const workers: Plugin = {
  name: "workers",
  resolveId: (id) => (id in WORKERS ? `\0${id}` : undefined),
  async load(id) {
    if (!id.startsWith("\0virtual:")) return undefined;
    const { text } = await bundleWorker(id.slice(1), { minify: false });
    return `export default ${JSON.stringify(text)};`;
  },
};

/** Style sheets are text, as `build.mjs` has them: under another name, or Vite would put them into the page. */
const styles: Plugin = {
  name: "styles",
  enforce: "pre",
  resolveId: (id, importer) =>
    id.endsWith(".css") && importer ? `\0text:${resolve(dirname(importer), id)}.txt` : undefined,
  load: async (id) =>
    id.startsWith("\0text:") ? `export default ${JSON.stringify(await readFile(id.slice(6, -4), "utf8"))};` : undefined,
};

/** Vitest's own `define` does not reach modules in the browser. */
const build: Plugin = {
  name: "build",
  transform: (code) => (code.includes("__BUILD__") ? code.replaceAll("__BUILD__", JSON.stringify("test")) : undefined),
};

const chromium = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // WebGPU on a software adapter
    "--enable-unsafe-webgpu",
  ],
};

const shared = {
  plugins: [workers, styles, build],
  oxc: { jsx: { importSource: "preact" } },
  // The packaged model lies beside this folder.
  server: { fs: { allow: [".."] } },
};

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          environment: "node",
          include: ["src/**/*.test.{ts,tsx}"],
          exclude: ["src/**/*.browser.test.{ts,tsx}"],
        },
      },
      {
        ...shared,
        test: {
          name: "browser",
          include: ["src/**/*.browser.test.{ts,tsx}"],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromium }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});
