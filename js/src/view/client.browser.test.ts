/** The page's side: a worker where there may be one, this thread where not, one for all widgets. */
import { afterEach, expect, test, vi } from "vitest";
import type { Counts, PlacedLabel, Theme, ViewData } from "./api";
import { connectView } from "./client";
import { LOOK, randomOf, rowsOf, schemaOf, stateOf } from "./testing";

const THEME = { dark: false, ground: [255, 255, 255], backdrop: [9, 9, 9], font: "sans-serif" } as unknown as Theme;
const COLORS = { ghost: [0, 0, 0], zero: [0, 0, 0], notRun: [0, 0, 0], ink: [0, 0, 0], accent: [0, 0, 0] };

const opened: ViewData[] = [];

function data(id: string): ViewData {
  const one = connectView().data(id);
  opened.push(one);
  return one;
}

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Counts the workers that start and end. */
function countWorkers(): { started: number; ended: number } {
  const count = { started: 0, ended: 0 };
  class Counted extends Worker {
    constructor(url: string | URL) {
      super(url);
      count.started++;
    }
    override terminate() {
      super.terminate();
      count.ended++;
    }
  }
  vi.stubGlobal("Worker", Counted);
  return count;
}

/** Opens some cells and waits until they are counted. */
async function fill(one: ViewData): Promise<Counts> {
  const counts = new Promise<Counts>((resolve) => {
    one.listen({
      extent: () => undefined,
      counts: (counted) => counted.done === 20 && resolve(counted),
      selected: () => undefined,
      tableChanged: () => undefined,
      gl: () => undefined,
    });
  });
  one.open(schemaOf(30), stateOf("running"));
  one.look(LOOK);
  one.rows(rowsOf([...Array(20).keys()], randomOf(1)));
  return counts;
}

/** Attaches a plot and gives its first frame. */
function firstFrame(one: ViewData): Promise<{ bitmap: ImageBitmap; labels: PlacedLabel[] }> {
  return new Promise((resolve) => {
    const theme = { ...THEME, ...COLORS } as Theme;
    const plot = one.attach({ width: 80, height: 60, dpr: 2 }, theme, true, (bitmap, _, labels) =>
      resolve({ bitmap, labels }),
    );
    plot.camera({ x: 0, y: 60, k: 6 }, 6);
  });
}

test("a worker counts, draws and answers", async () => {
  const workers = countWorkers();
  const one = data("w");
  const counts = await fill(one);
  expect(counts).toMatchObject({ total: 30, done: 20, notRun: 10 });
  const { bitmap } = await firstFrame(one);
  expect([bitmap.width, bitmap.height]).toEqual([160, 120]);
  const slice = await one.table(0, 5, ["label", "score"]);
  expect([...slice.rows]).toEqual([0, 1, 2, 3, 4]);
  expect(await one.locate(7)).toBe(7);
  expect(await one.place(3)).toMatchObject({ row: 3, state: 1 });
  expect(workers).toEqual({ started: 1, ended: 0 });
});

test("two widgets share the worker, and the last one that closes ends it", async () => {
  const workers = countWorkers();
  const [one, two] = [data("one"), data("two")];
  await Promise.all([fill(one), fill(two)]);
  expect(workers.started).toBe(1);
  one.close();
  one.close();
  expect(workers.ended).toBe(0);
  expect(await two.locate(2)).toBe(2);
  two.close();
  expect(workers).toEqual({ started: 1, ended: 1 });
  await fill(data("three"));
  expect(workers.started).toBe(2);
});

test("each widget hears of its own cells alone", async () => {
  const [one, two] = [data("one"), data("two")];
  await fill(one);
  const heard = vi.fn();
  two.listen({ extent: heard, counts: heard, selected: heard, tableChanged: heard, gl: () => undefined });
  one.select({ by: "all" });
  expect(await one.locate(1)).toBe(1);
  expect(heard).not.toHaveBeenCalled();
});

test("where a policy forbids workers, this thread does the same", async () => {
  vi.stubGlobal(
    "Worker",
    class {
      constructor() {
        throw new DOMException("forbidden", "SecurityError");
      }
    },
  );
  const one = data("here");
  expect(await fill(one)).toMatchObject({ done: 20 });
  expect((await firstFrame(one)).bitmap.width).toBe(160);
  expect(await one.locate(7)).toBe(7);
});

test("a worker that fails before its first word is replaced, and nothing said to it is lost", async () => {
  class Failing extends EventTarget {
    onerror: ((event: Event) => void) | null = null;
    constructor() {
      super();
      setTimeout(() => this.onerror?.(new Event("error")), 20);
    }
    postMessage() {
      throw new Error("nothing is sent before the first word");
    }
    terminate() {}
  }
  vi.stubGlobal("Worker", Failing);
  expect(await fill(data("failing"))).toMatchObject({ done: 20 });
});

test("a hidden page gets one picture, and the next when it is seen again", async () => {
  const one = data("hidden");
  await fill(one);
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  let frames = 0;
  const plot = one.attach({ width: 80, height: 60, dpr: 1 }, { ...THEME, ...COLORS } as Theme, true, (bitmap) => {
    frames++;
    bitmap.close();
  });
  for (let x = 0; x < 10; x++) {
    plot.camera({ x, y: 60, k: 6 }, 6);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(frames).toBe(1);
  expect(await one.locate(4)).toBe(4);
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.waitFor(() => expect(frames).toBeGreaterThan(1));
});
