import { describe, expect, test } from "vitest";
import type { RunState, Schema } from "../protocol";
import { engineDetails, engineLine, enginesOf } from "./engines";

const run = (engine: RunState["engine"], backend: RunState["backend"], workers: number) =>
  ({ engine, backend, workers }) as RunState;

describe("what an engine computes with", () => {
  test.each([
    ["kernel · 1 thread", run("kernel", "onnxruntime", 1)],
    ["kernel · 8 threads", run("kernel", "onnxruntime", 8)],
    ["kernel", run("kernel", null, 0)],
    ["kernel", run("kernel", "onnxruntime", 0)],
    ["browser", run("browser", null, 0)],
    ["browser · 2 workers · WASM", run("browser", "wasm", 2)],
    ["browser · 1 worker · WASM", run("browser", "wasm", 1)],
    ["browser · WebGPU", run("browser", "webgpu", 1)],
    ["browser · WebGPU · 2 workers", run("browser", "webgpu", 2)],
  ])("%s", (words, state) => expect(engineLine(state)).toBe(words));

  test("without workers it is the page's own thread", () =>
    expect(engineDetails(run("browser", "wasm", 0))).toEqual(["1 thread", "WASM"]));
});

describe("what there is to choose from", () => {
  const schema = { engines: ["kernel", "browser"] } as Schema;

  test("is what the model runs on and the session reaches", () => {
    expect(enginesOf(schema, ["kernel", "browser"])).toEqual(["kernel", "browser"]);
    expect(enginesOf(schema, ["kernel"])).toEqual(["kernel"]);
    expect(enginesOf({ ...schema, engines: ["kernel"] }, ["kernel", "browser"])).toEqual(["kernel"]);
  });

  test("is nothing before anything is known", () => expect(enginesOf(null, ["kernel"])).toEqual([]));
});
