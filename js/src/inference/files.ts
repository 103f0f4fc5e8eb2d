/**
 * Files that came once are kept: for the page under the build's hash, and across pages where the browser offers a cache
 * to this origin. Everything is found by its sha256, and checked against it where the browser can.
 */
import type { Asset, AssetName } from "../protocol";

/** Bytes that are kept in memory; what was used longest ago goes first. */
const MOST = 512e6;
const CACHE = "cellwidget";

type Fetch = (name: AssetName, progress: (bytes: number) => void) => Promise<Uint8Array>;

const KEY = Symbol.for(`cellwidget.files.${__BUILD__}`);
const page = globalThis as unknown as Record<symbol, Map<string, Uint8Array> | undefined>;

/**
 * A file of the equipment, from memory, from the browser's cache, or else fetched. `gzip`: it comes compressed. Only whole
 * files are shared: a download is its widget's own, and goes away with it.
 */
export async function file(
  name: AssetName,
  asset: Asset,
  fetch: Fetch,
  progress: (bytes: number) => void,
  gzip = false,
): Promise<Uint8Array> {
  page[KEY] ??= new Map();
  const files = page[KEY];
  let bytes = files.get(asset.sha256);
  if (!bytes) {
    const raw = await bring(name, asset, fetch, progress);
    bytes = gzip ? await inflate(raw) : raw;
  }
  files.delete(asset.sha256);
  files.set(asset.sha256, bytes);
  forget(files);
  progress(asset.bytes);
  return bytes;
}

function forget(files: Map<string, Uint8Array>): void {
  let sum = [...files.values()].reduce((total, { length }) => total + length, 0);
  for (const [key, { length }] of files) {
    if (sum <= MOST || files.size === 1) return;
    sum -= length;
    files.delete(key);
  }
}

async function bring(name: AssetName, asset: Asset, fetch: Fetch, progress: (bytes: number) => void) {
  const cache = await openCache();
  const place = `https://cellwidget.invalid/${asset.sha256}`;
  const kept = await cache?.match(place).catch(() => undefined);
  if (kept) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if (await isRight(bytes, asset)) return bytes;
  }
  const bytes = await fetch(name, progress);
  if (!(await isRight(bytes, asset))) throw new Error(`the file ${name} did not arrive whole`);
  // Without room for it, it is fetched again next time.
  await cache?.put(place, new Response(bytes as Uint8Array<ArrayBuffer>)).catch(() => {});
  return bytes;
}

/** Pages that are no secure context, and frames without storage, have none. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return await caches.open(CACHE);
  } catch {
    return undefined;
  }
}

async function isRight(bytes: Uint8Array, asset: Asset): Promise<boolean> {
  if (bytes.length !== asset.bytes) return false;
  // A notebook server reached over plain http is no secure context; there the length must do.
  if (typeof crypto === "undefined" || !crypto.subtle) return true;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === asset.sha256;
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
