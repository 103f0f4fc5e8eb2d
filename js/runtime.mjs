/** Takes onnxruntime-web's WebAssembly into the package, compressed: pages get it from the kernel, never from a network. */
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/**
 * The plain build, and one that runs on WebGPU too. That one lacks all arithmetic in float64 (even its casts), which
 * models use where float32 would give some cells another label: so it serves WebGPU alone, and models that do without.
 */
const RUNTIMES = {
  "onnxruntime.wasm.gz": "ort-wasm-simd-threaded.wasm",
  "onnxruntime-webgpu.wasm.gz": "ort-wasm-simd-threaded.asyncify.wasm",
};

/** Writes the files to a folder where they are missing or older than their sources: compressing takes seconds. */
export async function writeRuntimes(folder) {
  await mkdir(folder, { recursive: true });
  for (const [name, source] of Object.entries(RUNTIMES)) {
    await write(join(folder, name), fileURLToPath(import.meta.resolve(`onnxruntime-web/${source}`)));
  }
}

async function write(target, source) {
  const [made, from] = await Promise.all([stat(target).catch(() => null), stat(source)]);
  if (made && made.mtimeMs >= from.mtimeMs) return;
  const bytes = await promisify(gzip)(await readFile(source), { level: 9 });
  // A build that is broken off leaves no half of it.
  await writeFile(`${target}.part`, bytes);
  await rename(`${target}.part`, target);
  console.log(`${target}: ${(bytes.length / 1e6).toFixed(1)} MB`);
}
