/**
 * A bare onnxruntime-web loop over batches that lie in memory, in one worker: what `benchmarks/browser.py` holds a whole
 * run against. The page starts this same script as the worker; `bare(sizes)` gives cells/s by batch size; `genes` is the width of a
 * graph that takes all genes of a cell.
 */
import * as ort from "onnxruntime-web/wasm";

/** Served beside this page: the runtime, the graphs, and `cells.json` with where each cell begins in `cells.bin`. */
const FILES = ["wasm", "model.onnx", "umap.onnx", "indptr", "genes", "counts"] as const;

interface Batch {
  cells: number;
  feed: Record<string, ort.Tensor>;
}

/** `dense`: how many genes a cell has in a graph that takes all of them; 0 for ours. */
function prepared(indptr: Uint32Array, genes: Int32Array, counts: Float32Array, size: number, dense: number): Batch[] {
  const batches: Batch[] = [];
  for (let begin = 0; begin + 1 < indptr.length; begin += size) {
    const end = Math.min(begin + size, indptr.length - 1);
    if (dense > 0) {
      const values = new Float32Array(dense * (end - begin));
      for (let cell = begin; cell < end; cell++)
        for (let i = at(indptr, cell); i < at(indptr, cell + 1); i++)
          values[(cell - begin) * dense + (genes[i] as number)] = counts[i] as number;
      batches.push({ cells: end - begin, feed: { input: new ort.Tensor("float32", values, [end - begin, dense]) } });
      continue;
    }
    const lengths = Array.from({ length: end - begin }, (_, i) => at(indptr, begin + i + 1) - at(indptr, begin + i));
    const width = Math.max(1, ...lengths);
    const [places, values] = [new Int32Array(width * (end - begin)).fill(-1), new Float32Array(width * (end - begin))];
    for (let cell = begin; cell < end; cell++) {
      const part = [at(indptr, cell), at(indptr, cell + 1)] as const;
      places.set(genes.subarray(...part), (cell - begin) * width);
      values.set(counts.subarray(...part), (cell - begin) * width);
    }
    const dims = [end - begin, width];
    const feed = { genes: new ort.Tensor("int32", places, dims), counts: new ort.Tensor("float32", values, dims) };
    batches.push({ cells: end - begin, feed });
  }
  return batches;
}

const at = (values: Uint32Array, index: number) => values[index] as number;

/** WebAssembly is compiled better while it runs. */
const WARM_UP = 500;
const LONG_ENOUGH = 1_000;

async function timed(pass: () => Promise<void>, least: number): Promise<{ passes: number; ms: number }> {
  const began = performance.now();
  let passes = 0;
  while (performance.now() - began < least) {
    await pass();
    passes++;
  }
  return { passes, ms: performance.now() - began };
}

async function measure(sizes: number[], genes: number): Promise<Record<number, number>> {
  const [wasm, model, umap, indptr, places, counts] = await Promise.all(
    FILES.map(async (name) => (await fetch(name)).arrayBuffer()),
  );
  if (!wasm || !model || !umap || !indptr || !places || !counts) throw new Error("a file is missing");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  const options: ort.InferenceSession.SessionOptions = { executionProviders: ["wasm"], enableMemPattern: false };
  const graph = await ort.InferenceSession.create(new Uint8Array(model), options);
  const layout = umap.byteLength > 0 ? await ort.InferenceSession.create(new Uint8Array(umap), options) : null;
  const rates: Record<number, number> = {};
  for (const size of sizes) {
    const [all, whole] = [new Int32Array(places), graph.inputNames.includes("input") ? genes : 0];
    const batches = prepared(new Uint32Array(indptr), all, new Float32Array(counts), size, whole);
    const pass = async () => {
      for (const { feed } of batches) {
        const { embedding } = await graph.run(feed);
        if (layout && embedding) await layout.run({ [layout.inputNames[0] as string]: embedding });
      }
    };
    await timed(pass, WARM_UP);
    const { passes, ms } = await timed(pass, LONG_ENOUGH);
    rates[size] = (1_000 * passes * (indptr.byteLength / 4 - 1)) / ms;
  }
  return rates;
}

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  bare(sizes: number[], genes?: number): Promise<unknown>;
};

if ("WorkerGlobalScope" in globalThis) {
  scope.onmessage = ({ data }) => {
    measure(data.sizes, data.genes).then(
      (rates) => scope.postMessage({ rates }),
      (error) => scope.postMessage({ error: String(error) }),
    );
  };
} else {
  scope.bare = (sizes, genes = 0) => {
    const worker = new Worker("bare.js");
    return new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        worker.terminate();
        if (data.error) reject(new Error(data.error));
        else resolve(data.rates);
      };
      worker.postMessage({ sizes, genes });
    });
  };
}
