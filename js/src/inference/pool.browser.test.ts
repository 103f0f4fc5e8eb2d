import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import modelUrl from "../../../src/cellwidget/models/pbmc/model.onnx?url";
import umapUrl from "../../../src/cellwidget/models/pbmc/umap.onnx?url";
import { randomOf } from "../view/testing";
import { EngineError, type LoadedModel, type ModelFiles, type Outcome, type PoolOptions } from "./api";
import { cut, together } from "./pieces";
import { makePool } from "./pool";
import { pieceOf } from "./testing";

let files: ModelFiles;
const opened: LoadedModel[] = [];

const bytes = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

beforeAll(async () => {
  const wasm = await bytes(wasmUrl);
  const outputs = ["logits", "embedding", "xy"];
  files = {
    key: "pbmc",
    wasm,
    stages: [
      {
        graph: await bytes(modelUrl),
        inputs: { genes: "genes", counts: "counts" },
        outputs: { logits: "logits", embedding: "embedding" },
      },
      { graph: await bytes(umapUrl), inputs: { embedding: "embedding" }, outputs: { xy: "xy" } },
    ],
    outputs,
  };
});

afterEach(() => {
  for (const model of opened.splice(0)) model.close();
  vi.unstubAllGlobals();
});

/** In a pool that goes away at once. */
async function open(more: Partial<ModelFiles> = {}, how: Partial<PoolOptions> = {}) {
  const model = await makePool({ idleAfter: 0 }).load({ ...files, ...more }, { workers: 2, gpu: "never", ...how });
  opened.push(model);
  return model;
}

/** Cells of some tens of genes, as long as chance will have it. */
function cells(n: number, seed = 1) {
  const next = randomOf(seed);
  const cell = () =>
    Array.from({ length: 600 }, (_, gene): [number, number] => [gene, 1 + Math.floor(8 * next())]).filter(
      () => next() < 0.08,
    );
  return pieceOf(Array.from({ length: n }, cell));
}

const values = (outcome: Outcome, name: string) => outcome.outputs.find((output) => output.name === name)!.values;

function expectSame(one: Outcome, other: Outcome): void {
  for (const name of files.outputs) {
    const [its, others] = [values(one, name), values(other, name)];
    const most = Math.max(...its.map(Math.abs));
    expect(its.length).toBe(others.length);
    its.forEach((value, at) => {
      expect(Math.abs(value - others[at]!)).toBeLessThanOrEqual(1e-5 * most);
    });
  }
}

test("real workers run the packaged model, in whatever pieces", async () => {
  const model = await open();
  const whole = await model.run(cells(12));
  expect(whole.failed).toEqual([]);
  expect(whole.outputs.map(({ name, width }) => [name, width])).toEqual([
    ["logits", 10],
    ["embedding", 16],
    ["xy", 2],
  ]);
  await vi.waitFor(() => expect(model.workers).toBe(2));
  expect(model.backend).toBe("wasm");
  const parts = [0, 1, 2, 3, 4, 5].map((at) => cut(cells(12), 2 * at, 2 * at + 2));
  const outcomes = await Promise.all(parts.map((part) => model.run(part)));
  expectSame(together(outcomes.map((outcome) => ({ cells: 2, outcome }))), whole);
});

test("where a policy forbids workers, this thread does the same", async () => {
  const whole = await (await open()).run(cells(5));
  vi.stubGlobal(
    "Worker",
    class {
      constructor() {
        throw new DOMException("forbidden", "SecurityError");
      }
    },
  );
  const model = await open();
  expect(model.workers).toBe(0);
  expectSame(await model.run(cells(5)), whole);
});

test("and where a worker fails before its first word", async () => {
  class Failing {
    onerror: ((event: Event) => void) | null = null;
    constructor() {
      setTimeout(() => this.onerror?.(new Event("error")), 20);
    }
    terminate() {}
  }
  vi.stubGlobal("Worker", Failing);
  const model = await open();
  expect(model.workers).toBe(0);
  expect((await model.run(cells(3))).failed).toEqual([]);
});

test("wasm that is cut off is told", async () => {
  const wasm = files.wasm.slice(0, 10_000_000);
  const error = await open({ wasm }).catch((reason) => reason);
  expect(error).toBeInstanceOf(EngineError);
  expect(error.title).toBe("onnxruntime-web does not start");
});

test("a model that is none is told", async () => {
  const error = await open({
    stages: files.stages.map((stage) => ({ ...stage, graph: stage.graph.slice(0, 1000) })),
  }).catch((reason) => reason);
  expect(error).toBeInstanceOf(EngineError);
  expect(error.title).toBe("The model cannot be loaded here");
});
