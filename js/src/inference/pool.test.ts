import { afterEach, describe, expect, test, vi } from "vitest";
import { EngineError, type LoadedModel, type ModelFiles, type Outcome, type PoolOptions } from "./api";
import { makePool } from "./pool";
import type { SchedulerOptions } from "./scheduler";
import { type Act, FakePort, marked, outcomeOf, stageOf } from "./testing";

const files = (key = "m", bytes = 10): ModelFiles => ({
  key,
  wasm: new Uint8Array(1),
  stages: [stageOf(new Uint8Array(bytes))],
  outputs: ["logits"],
});

const opened: LoadedModel[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.close();
});

/** A pool of fake workers: `act` tells what the nth of them does with a piece. */
function pool(act: (nth: number) => Act = () => () => "done", more: Partial<SchedulerOptions> = {}) {
  const ports: FakePort[] = [];
  const open = async () => {
    const port = new FakePort(act(ports.length));
    ports.push(port);
    return port;
  };
  const { load } = makePool({ open, openGpu: open, idleAfter: 0, ...more });
  return {
    ports,
    async load(of = files(), how: Partial<PoolOptions> = {}) {
      const model = await load(of, { workers: 2, gpu: "never", ...how });
      opened.push(model);
      return model;
    },
  };
}

const pieces = Array.from({ length: 20 }, (_, at) => marked(at, at + 100));
const sum = (outcome: Outcome) => [...outcome.outputs[0]!.values].reduce((total, value) => total + value, 0);

async function expectAll(model: LoadedModel): Promise<void> {
  const outcomes = await Promise.all(pieces.map((piece) => model.run(piece)));
  expect(outcomes).toEqual(pieces.map((piece) => outcomeOf(piece)));
}

describe("pieces", () => {
  test("go to all workers, and each comes back to who gave it", async () => {
    const { ports, load } = pool();
    const model = await load();
    await vi.waitFor(() => expect(model.workers).toBe(2));
    await expectAll(model);
    expect(ports.map(({ sizes }) => sizes.length >= 5)).toEqual([true, true]);
    expect(ports[0]!.sizes.length + ports[1]!.sizes.length).toBe(20);
  });

  test("wait at a worker two at a time, no more", async () => {
    const { ports, load } = pool(() => () => "stalls");
    const model = await load(files(), { workers: 1 });
    for (const piece of pieces) model.run(piece).catch(() => {});
    await vi.waitFor(() => expect(ports[0]!.sizes.length).toBe(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ports[0]!.sizes.length).toBe(2);
  });

  test("that no worker has begun are dropped; the one at work comes out", async () => {
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { ports, load } = pool(() => (piece, port) => {
      held.then(() => port.onMessage({ type: "done", id: 1, outcome: outcomeOf(piece) }));
      return "stalls";
    });
    const model = await load(files(), { workers: 1 });
    const runs = pieces.map((piece) => model.run(piece));
    const settled = Promise.allSettled(runs);
    await vi.waitFor(() => expect(ports[0]!.sizes.length).toBe(2));
    model.cancel();
    go();
    const [first, ...others] = await settled;
    expect(first?.status).toBe("fulfilled");
    expect(others.map((each) => each.status === "rejected" && each.reason.name)).toEqual(
      others.map(() => "AbortError"),
    );
  });

  test("of several models share the workers fairly", async () => {
    const order: number[] = [];
    const { load } = pool(() => (piece) => {
      order.push(piece.counts[0]!);
      return "done";
    });
    const [one, two] = [await load(files("one"), { workers: 1 }), await load(files("two"), { workers: 1 })];
    await Promise.all([...pieces.map((piece) => one.run(piece)), ...[1, 2, 3].map(() => two.run(marked(200)))]);
    expect(order.lastIndexOf(200)).toBeLessThan(10);
  });

  test("of a model that is closed are dropped, and it takes no more", async () => {
    const { load } = pool(() => () => "stalls");
    const model = await load();
    const run = model.run(marked(1));
    model.close();
    await expect(run).rejects.toThrow("dropped");
    await expect(model.run(marked(1))).rejects.toThrow("dropped");
  });
});

describe("a worker", () => {
  test("that dies loses nothing, and is replaced", async () => {
    const { ports, load } = pool((nth) => (piece) => (nth === 0 && piece.counts[0]! > 5 ? "dies" : "done"));
    const onChange = vi.fn();
    const model = await load(files(), { onChange });
    await expectAll(model);
    expect(ports[0]!.terminated).toBe(true);
    await vi.waitFor(() => expect(model.workers).toBe(2));
    expect(ports.length).toBe(3);
    expect(onChange).toHaveBeenCalled();
  });

  test("that breaks or stalls loses nothing either", async () => {
    for (const fault of ["broken", "stalls"] as const) {
      const { load } = pool((nth) => () => (nth === 0 ? fault : "done"), { stallAfter: 60 });
      await expectAll(await load());
    }
  });

  test("is given the time that such a piece took before", async () => {
    const { ports, load } = pool(
      () => (piece, port) => {
        if (piece.counts[0] !== 7) return { ms: 100 };
        setTimeout(() => port.onMessage({ type: "done", id: 2, outcome: outcomeOf(piece) }), 300);
        return "stalls";
      },
      { stallAfter: 30 },
    );
    const model = await load(files(), { workers: 1 });
    await model.run(marked(1));
    expect(sum(await model.run(marked(7)))).toBe(7);
    expect(ports.length).toBe(1);
  });

  test("that dies of one cell leaves the others alone", async () => {
    const { load } = pool(() => (piece) => (piece.counts.includes(13) ? "dies" : "done"));
    const model = await load();
    await model.run(marked(1));
    const outcome = await model.run(marked(...Array.from({ length: 16 }, (_, at) => at)));
    expect(outcome.failed).toEqual([[13, "the model failed: it died"]]);
    expect([...outcome.outputs[0]!.values]).toHaveLength(15);
  });

  test("and the next, and the next: the engine gives up, and says so to all", async () => {
    const { load, ports } = pool(() => () => "dies");
    const model = await load();
    const errors = await Promise.all(pieces.map((piece) => model.run(piece).catch((error) => error)));
    for (const error of errors) expect(error).toBeInstanceOf(EngineError);
    expect(errors[0].message).toMatch(/5 workers failed in a row: it died/);
    await vi.waitFor(() => expect(ports.every(({ terminated }) => terminated)).toBe(true));
    await expect(model.run(marked(1))).rejects.toThrow(EngineError);
  });
});

test("a cell that fails is told, and the others come out", async () => {
  const { load } = pool(() => (piece) => (piece.counts.includes(4) ? "failed" : "done"));
  const model = await load();
  const outcome = await model.run(marked(1, 2, 3, 4, 5));
  expect(outcome.failed).toEqual([[3, "the model failed: it failed"]]);
  expect([...outcome.outputs[0]!.values]).toEqual([1, 2, 3, 5]);
});

describe("workers", () => {
  test("are shared by models, hold each once, and end with the last", async () => {
    const { ports, load } = pool();
    const [one, two, again] = [await load(files("one")), await load(files("two")), await load(files("one"))];
    await vi.waitFor(() => expect([one.workers, two.workers, again.workers]).toEqual([2, 2, 2]));
    const loads = () => ports.map(({ posted }) => posted.filter(({ type }) => type === "load").length);
    expect(loads()).toEqual([2, 2]);
    one.close();
    two.close();
    await vi.waitFor(() => expect(ports[0]!.posted.at(-1)).toEqual({ type: "unload", key: "two" }));
    expect(ports.some(({ terminated }) => terminated)).toBe(false);
    again.close();
    await vi.waitFor(() => expect(ports.every(({ terminated }) => terminated)).toBe(true));
  });

  test("are kept for a while after the last model", async () => {
    const { ports, load } = pool(undefined, { idleAfter: 10_000 });
    (await load()).close();
    await load();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ports.length).toBe(2);
    expect(ports[0]!.posted.filter(({ type }) => type === "load").length).toBe(1);
  });

  test("are only as many as each model wants", async () => {
    const { ports, load } = pool();
    await load(files("two"));
    const one = await load(files("one"), { workers: 1 });
    await expectAll(one);
    expect(one.workers).toBe(1);
    expect(ports[1]!.sizes).toEqual([]);
  });

  test("are as many as memory allows", async () => {
    const { load, ports } = pool();
    const model = await load(files("large", 250e6), { workers: 8 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(model.workers).toBe(3);
    expect(ports.length).toBe(3);
  });

  test("are none where the page's own thread serves", async () => {
    const open = async () => new FakePort(() => "done", false);
    const { load } = pool(undefined, { open });
    const model = await load(files(), { workers: 4 });
    expect(model.workers).toBe(0);
    await expectAll(model);
  });
});

describe("a model that cannot run is told", () => {
  const refusing = (what: "runtime" | "model", reason: string, from = 0) => {
    let made = 0;
    return async () => {
      const port = new FakePort();
      const nth = made++;
      const post = port.post.bind(port);
      port.post = (message) => {
        if (message.type !== "load" || nth < from) return post(message);
        setTimeout(() => port.terminated || port.onMessage({ type: "refused", what, key: message.key, reason }), 20);
      };
      return port;
    };
  };

  test.each([
    ["runtime", "CompileError: cut off", "onnxruntime-web does not start"],
    ["model", "Could not find an implementation for Einsum(12)", "The model cannot be loaded here"],
    ["model", "std::bad_alloc", "Memory ran out"],
  ] as const)("%s: %s", async (what, reason, title) => {
    const error = await pool(undefined, { open: refusing(what, reason) })
      .load()
      .catch((told) => told);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ title, message: expect.stringContaining(reason) });
  });

  test("but where some workers have it, they do", async () => {
    const { load } = pool(undefined, { open: refusing("model", "out of memory", 1) });
    const model = await load(files(), { workers: 3 });
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(model.workers).toBe(1);
    await expectAll(model);
  });

  test("a model that is too large is not even tried", async () => {
    const large = { ...files(), stages: [stageOf({ byteLength: 2e9 } as Uint8Array)] };
    await expect(pool().load(large)).rejects.toThrow("2.0 GB");
  });

  test("nor one on a browser without SIMD", async () => {
    const validate = vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
    await expect(pool().load()).rejects.toThrow("SIMD");
    validate.mockRestore();
  });

  test("and tried again when it is loaded again", async () => {
    let made = 0;
    const bad = refusing("runtime", "cut off");
    const { load } = pool(undefined, { open: async () => (made++ < 2 ? bad() : new FakePort()) });
    await expect(load()).rejects.toThrow(EngineError);
    await vi.waitFor(async () => expectAll(await load()));
  });
});
