import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Demand, Equipment, RunState } from "../protocol";
import type { EnginePort, Lease, LeaseResult } from "../session/session";
import { EngineError, type LoadedModel, type Outcome, type Piece } from "./api";
import { type OpenModel, Runner } from "./runner";

const GZIPPED = new Uint8Array(gzipSync(new Uint8Array(8)));

const EQUIPMENT: Equipment = {
  assets: { wasm: asset(1), model: asset(2) },
  stages: [{ asset: "model", inputs: { genes: "genes", counts: "counts" }, outputs: { logits: "logits" } }],
  outputs: ["logits"],
  largest_batch: 64,
  workers: 2,
};

function asset(byte: number) {
  return { bytes: GZIPPED.length, sha256: `${byte}` };
}

/** A kernel that lends cells, and takes results: each cell's logit is its gene. */
class FakePort implements EnginePort {
  take: ((lease: Lease) => void) | null = null;
  pulls: Demand[] = [];
  got: LeaseResult[] = [];
  gone: [string, string, string][] = [];
  /** Results are answered when told to. */
  answer = true;
  #lent = 0;
  equip = async () => EQUIPMENT;
  asset = async (_: string, progress: (bytes: number) => void) => {
    progress(GZIPPED.length);
    return GZIPPED;
  };
  pull = (demand: Demand) => void this.pulls.push(demand);
  results = async (result: LeaseResult) => {
    this.got.push(result);
    if (!this.answer) await new Promise(() => {});
  };
  gaveUp = async (run: string, title: string, detail: string) => void this.gone.push([run, title, detail]);
  serve = (take: (lease: Lease) => void) => {
    this.take = take;
    return () => {
      this.take = null;
    };
  };
  lend(cells: number, run = "r"): void {
    const indptr = Uint32Array.from({ length: cells + 1 }, (_, i) => i);
    const genes = Uint16Array.from({ length: cells }, (_, i) => i);
    this.take?.({ run, lease: ++this.#lent, indptr, genes, counts: new Uint8Array(cells).fill(1) });
  }
}

class FakeModel implements LoadedModel {
  workers = 2;
  backend = "wasm" as const;
  pending: { piece: Piece; resolve(outcome: Outcome): void; reject(error: unknown): void }[] = [];
  closed = false;
  cancelled = 0;
  run = (piece: Piece) => new Promise<Outcome>((resolve, reject) => void this.pending.push({ piece, resolve, reject }));
  cancel = () => void this.cancelled++;
  close = () => {
    this.closed = true;
  };
  finish(): number {
    const now = this.pending.splice(0);
    for (const { piece, resolve } of now)
      resolve({ outputs: [{ name: "logits", width: 1, values: Float32Array.from(piece.genes) }], failed: [], ms: 5 });
    return now.length;
  }
}

let port: FakePort;
let model: FakeModel;
let runner: Runner;
let opened: number;
const open: OpenModel = async () => {
  opened++;
  model = new FakeModel();
  return model;
};

const state = (more: Partial<RunState> = {}): RunState =>
  ({ run: "r", status: "running", engine: "browser", ...more }) as RunState;
const turn = () => vi.advanceTimersByTimeAsync(1);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("crypto", undefined);
  port = new FakePort();
  opened = 0;
  runner = new Runner(port, open, () => {});
});

afterEach(() => {
  runner.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function started(): Promise<void> {
  runner.state(state());
  await vi.waitFor(() => expect(port.pulls.length).toBeGreaterThan(0));
}

test("nothing is loaded for a run in the kernel, or one that is over", async () => {
  for (const more of [{ engine: "kernel" }, { status: "done" }, { status: "idle" }, { status: "paused" }] as const)
    runner.state(state(more));
  await turn();
  expect(opened).toBe(0);
});

test("it pulls, runs in pieces and sends back in order", async () => {
  await started();
  expect(port.pulls[0]).toMatchObject({ run: "r", leases: [], seen: 0, workers: 2, backend: "wasm" });
  port.lend(100);
  while (port.got.length === 0) {
    expect(model.finish()).toBeLessThanOrEqual(4);
    await turn();
  }
  expect([...(port.got[0]?.outputs[0]?.values ?? [])]).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test("it says now and then that it is there, and what it holds until that is acknowledged", async () => {
  await started();
  port.answer = false;
  port.lend(4);
  await turn();
  model.finish();
  await turn();
  const before = port.pulls.length;
  await vi.advanceTimersByTimeAsync(4_100);
  expect(port.pulls.length).toBeGreaterThanOrEqual(before + 2);
  expect(port.pulls.at(-1)).toMatchObject({ leases: [1], seen: 1 });
});

test("a stop takes effect at once, whatever the kernel is busy with", async () => {
  await started();
  port.lend(200);
  await turn();
  const begun = model.pending.length;
  runner.command("stop");
  model.finish();
  await turn();
  expect(model.pending.length).toBe(0);
  expect(begun).toBeLessThanOrEqual(4);
  runner.state(state()); // sent before the kernel heard
  port.lend(50);
  await turn();
  expect(model.pending.length).toBe(0);
  runner.state(state({ status: "stopped" }));
  runner.state(state());
  await vi.waitFor(() => expect(opened).toBe(2));
});

test("a pause keeps what it has, and goes on with it", async () => {
  await started();
  port.lend(200);
  await turn();
  runner.command("pause");
  runner.state(state({ status: "paused" }));
  model.finish();
  await turn();
  expect(model.pending.length).toBe(0);
  runner.command("resume");
  runner.state(state());
  while (port.got.length === 0) {
    model.finish();
    await turn();
  }
  expect(port.got[0]?.outputs[0]?.values.length).toBe(200);
  expect(opened).toBe(1);
});

test("an engine that gives up says so once, and does not go on by itself", async () => {
  await started();
  port.lend(200);
  await turn();
  for (const { reject } of model.pending.splice(0)) reject(new EngineError("Too large", "no room for it"));
  await turn();
  expect(port.gone).toEqual([["r", "Too large", "no room for it"]]);
  expect(model.closed).toBe(true);
  runner.state(state());
  await turn();
  expect(opened).toBe(1);
  runner.state(state({ status: "failed" }));
  runner.state(state());
  await vi.waitFor(() => expect(opened).toBe(2));
});

test("a model that cannot be loaded is told of", async () => {
  runner.close();
  runner = new Runner(
    port,
    () => Promise.reject(new EngineError("No SIMD", "this browser lacks it")),
    () => {},
  );
  runner.state(state());
  await vi.waitFor(() => expect(port.gone).toEqual([["r", "No SIMD", "this browser lacks it"]]));
});

test("cells that come during a pause are kept, and after a stop they may be lent again", async () => {
  await started();
  runner.command("pause");
  runner.state(state({ status: "paused" }));
  port.lend(10);
  await turn();
  expect(model.pending.length).toBe(0);
  runner.command("resume");
  runner.state(state());
  expect(port.pulls.at(-1)).toMatchObject({ leases: [1], seen: 1 });
  while (port.got.length === 0) {
    model.finish();
    await turn();
  }
  runner.command("stop");
  port.lend(10);
  await turn();
  runner.command("resume");
  runner.state(state());
  expect(port.pulls.at(-1)).toMatchObject({ leases: [], seen: 2 });
});

test("what gave up before is forgotten once the run went on elsewhere", async () => {
  await started();
  runner.command("kernel");
  runner.state(state({ engine: "kernel" }));
  runner.state(state());
  await vi.waitFor(() => expect(opened).toBe(2));
});

test("a reason is told in words of a reasonable length", async () => {
  runner.close();
  runner = new Runner(
    port,
    () => Promise.reject(new EngineError("No", "x".repeat(5_000))),
    () => {},
  );
  runner.state(state());
  await vi.waitFor(() => expect(port.gone[0]?.[2].length).toBe(400));
});

test("cells of another run are left, and those held are dropped when a run begins", async () => {
  await started();
  port.lend(10, "old");
  await turn();
  expect(model.pending.length).toBe(0);
  port.lend(10);
  await turn();
  const before = port.pulls.length;
  runner.state(state({ run: "r2" }));
  model.finish();
  await turn();
  expect(port.got).toEqual([]);
  expect(port.pulls.slice(before)).toContainEqual(expect.objectContaining({ run: "r2", leases: [], seen: 0 }));
});

test("switching to the kernel lets go of the model", async () => {
  await started();
  runner.command("kernel");
  runner.state(state({ engine: "kernel" }));
  expect(model.closed).toBe(true);
});
