import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LoadedModel, ModelFiles } from "./api";
import { makePool } from "./pool";
import { type Act, FakePort, marked, outcomeOf, stageOf } from "./testing";
import { refuse } from "./webgpu";

const info = { vendor: "nvidia", architecture: "hopper", device: "", description: "" };
const files: ModelFiles = {
  key: "m",
  wasm: new Uint8Array(1),
  webgpu: async () => new Uint8Array(2),
  stages: [stageOf(new Uint8Array(1))],
  outputs: ["logits"],
};

function adapter(found: object | null): void {
  vi.stubGlobal("navigator", { gpu: { requestAdapter: async () => found } });
}

beforeEach(() => adapter({ info }));
afterEach(() => vi.unstubAllGlobals());

const opened: LoadedModel[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.close();
});

/** Two workers that take 10 ms for a cell each, beside a GPU that does as it is told. */
async function loaded(act: Act, more: Partial<ModelFiles> = {}) {
  const [cpus, gpus]: [FakePort[], FakePort[]] = [[], []];
  const opener = (ports: FakePort[], its: Act) => async () => {
    const port = new FakePort(its);
    ports.push(port);
    return port;
  };
  const onChange = vi.fn();
  const { load } = makePool({
    open: opener(cpus, (piece) => ({ ms: 10 * piece.counts.length })),
    openGpu: opener(gpus, act),
    idleAfter: 0,
  });
  const model = await load({ ...files, ...more }, { workers: 2, gpu: "hardware", onChange });
  opened.push(model);
  return { model, cpus, gpus, onChange };
}

const marks = (count: number) => Array.from({ length: count }, (_, at) => marked(at, at + 100));

async function expectAll(model: LoadedModel, count = 20): Promise<void> {
  const outcomes = await Promise.all(marks(count).map((piece) => model.run(piece)));
  expect(outcomes.map(({ outputs }) => outputs)).toEqual(marks(count).map((piece) => outcomeOf(piece).outputs));
}

describe("WebGPU", () => {
  test("is tried twice on the first piece, and kept where it is right and faster", async () => {
    const { model, cpus, gpus, onChange } = await loaded(() => ({ ms: 1 }));
    await expectAll(model, 1);
    await vi.waitFor(() => expect(model.backend).toBe("webgpu"));
    expect(gpus[0]!.sizes).toEqual([2, 2]);
    expect(gpus[0]!.posted[0]).toMatchObject({ provider: "webgpu", wasm: new Uint8Array(2) });
    expect(model.workers).toBe(1);
    expect(onChange).toHaveBeenCalled();
    const before = cpus.flatMap(({ sizes }) => sizes).length;
    await expectAll(model);
    expect(cpus.flatMap(({ sizes }) => sizes).length).toBe(before);
  });

  test("is let go where all the others together are faster", async () => {
    const { model, gpus } = await loaded(() => ({ ms: 12 }));
    await vi.waitFor(() => expect(model.workers).toBe(2));
    await expectAll(model, 1);
    await vi.waitFor(() => expect(gpus[0]?.terminated).toBe(true));
    expect(model.backend).toBe("wasm");
    await expectAll(model);
    expect(gpus.length).toBe(1);
  });

  test("is let go where its numbers are others", async () => {
    const { model, gpus } = await loaded((piece, port) => {
      const id = port.posted.filter(({ type }) => type === "run").length;
      const outcome = outcomeOf(marked(...[...piece.counts].map((mark) => mark + 1)));
      port.onMessage({ type: "done", id, outcome: { ...outcome, ms: 0.1 } });
      return "stalls";
    });
    await expectAll(model, 1);
    await vi.waitFor(() => expect(gpus[0]?.terminated).toBe(true));
    expect(model.backend).toBe("wasm");
  });

  test.each(["dies", "broken", "failed"] as const)(
    "%s: the others take its pieces over, and none is lost",
    async (fault) => {
      const { model, gpus } = await loaded((piece) => (piece.counts[0]! > 10 ? fault : { ms: 1 }));
      await expectAll(model, 1);
      await vi.waitFor(() => expect(model.backend).toBe("webgpu"));
      await expectAll(model);
      expect([model.backend, model.workers]).toEqual(["wasm", 2]);
      expect(gpus[0]!.terminated).toBe(true);
      await expectAll(model);
      expect(gpus.length).toBe(1);
    },
  );

  test.each(["dies", "broken", "failed"] as const)("%s while it is tried: nobody notices", async (fault) => {
    const { model, gpus } = await loaded(() => fault);
    await expectAll(model);
    await vi.waitFor(() => expect(gpus[0]?.terminated).toBe(true));
    expect(model.backend).toBe("wasm");
  });

  test("is not tried without a runtime for it, or without an adapter of hardware", async () => {
    const bare = await loaded(() => "done", { webgpu: undefined });
    await expectAll(bare.model);
    expect(bare.gpus.length).toBe(0);
    adapter(null);
    const none = await loaded(() => "done");
    await expectAll(none.model);
    expect(none.gpus.length).toBe(0);
  });

  test("that cannot be fetched is done without", async () => {
    const { model, gpus } = await loaded(() => "done", { webgpu: () => Promise.reject(new Error("gone")) });
    await expectAll(model);
    expect(gpus.length).toBe(0);
  });
});

describe("a graphics adapter", () => {
  test.each([
    [{ info }, null],
    [{ info: { ...info, architecture: "swiftshader" } }, /made of software/],
    [{ info: { ...info, description: "llvmpipe (LLVM 19)" } }, /made of software/],
    [{ info: { ...info, isFallbackAdapter: true } }, /made of software/],
    [{ isFallbackAdapter: true }, /made of software/],
    [null, /no graphics adapter/],
  ])("%j", async (found, reason) => {
    adapter(found);
    const told = await refuse(false);
    if (reason === null) expect(told).toBeNull();
    else expect(told).toMatch(reason);
  });

  test("of software will do where it is asked for", async () => {
    adapter({ isFallbackAdapter: true });
    expect(await refuse(true)).toBeNull();
  });

  test("is none where there is no WebGPU", async () => {
    vi.stubGlobal("navigator", {});
    expect(await refuse(true)).toMatch(/no graphics adapter/);
  });
});
