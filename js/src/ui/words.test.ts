import { describe, expect, test } from "vitest";
import type { RunState } from "../protocol";
import { announcement, phaseOf, runWords, stateWord } from "./words";

const state = (more: Partial<RunState> = {}): RunState => ({
  run: "r1",
  status: "running",
  engine: "kernel",
  backend: "onnxruntime",
  workers: 2,
  chosen: "",
  phase: "labelling",
  total: 8412,
  done: 4343,
  failed: 0,
  placed: 4343,
  log: 4343,
  rate: 412,
  elapsed: 10.5,
  left: 9.9,
  problem: null,
  failures: [],
  written: null,
  threshold: 0,
  notes: [],
  ...more,
});

describe("phase", () => {
  test("nothing heard yet is loading", () => expect(phaseOf(null, "live")).toBe("loading"));
  test("idle is ready", () => expect(phaseOf(state({ status: "idle" }), "live")).toBe("ready"));
  test("a model being read is loading, not running", () =>
    expect(phaseOf(state({ phase: "loading the model" }), "live")).toBe("loading"));
  test("a kernel that is gone outweighs everything", () => expect(phaseOf(state(), "lost")).toBe("lost"));
});

describe("run bar", () => {
  test("running: how many, how fast, how long still", () => {
    const words = runWords(state(), null, "running");
    expect(words.done).toEqual({ strong: "4,343", rest: "of 8,412" });
    expect([words.speed, words.time]).toEqual(["412 cells/s", "10 s left"]);
    expect(words.progress).toBeCloseTo(4343 / 8412);
  });

  test("failed cells are handled cells: the bar gets full", () => {
    const words = runWords(state({ done: 8000, failed: 412 }), null, "running");
    expect(words.progress).toBe(1);
    expect(words.done.strong).toBe("8,000");
  });

  test("done: no bar, how long it took", () => {
    const words = runWords(state({ status: "done", done: 8412, elapsed: 20.4 }), null, "done");
    expect([words.progress, words.time]).toEqual([null, "in 20.4 s"]);
  });

  test("what is not known is not written", () => {
    const words = runWords(state({ rate: null, left: null }), null, "running");
    expect([words.speed, words.time]).toEqual(["", ""]);
  });

  test("an empty run is no division by nothing", () => {
    expect(runWords(state({ total: 0, done: 0, status: "idle" }), null, "ready").progress).toBe(0);
  });
});

describe("a model that runs on a page", () => {
  const download = { loaded: 4_210_000, total: 7_130_000 };

  test("what is being loaded stands where the cells will be counted", () => {
    const waiting = state({ status: "waiting", engine: "browser", done: 0 });
    expect(phaseOf(waiting, "live", download)).toBe("fetching");
    const words = runWords(waiting, null, "fetching", download);
    expect(words.done).toEqual({ strong: "4.2", rest: "of 7.1 MB" });
    expect(words.progress).toBeCloseTo(0.59);
    expect(words.bar).toEqual({ label: "Bytes loaded", now: 4_210_000, of: 7_130_000 });
    expect([words.speed, words.time]).toEqual(["", ""]);
  });

  test("a run that another page computes goes on while this one loads", () =>
    expect(phaseOf(state(), "live", download)).toBe("running"));

  test("a download of nothing is no division by nothing", () =>
    expect(runWords(state(), null, "fetching", { loaded: 0, total: 0 }).progress).toBe(0));

  test("without a page: how many are done, and neither speed nor time", () => {
    const words = runWords(state({ status: "waiting" }), null, "waiting");
    expect(words.done).toEqual({ strong: "4,343", rest: "of 8,412" });
    expect([words.speed, words.time]).toEqual(["", ""]);
  });

  test("is read out", () => {
    expect(announcement(state(), "fetching")).toBe("Loading the model onto this page");
    expect(announcement(state(), "waiting")).toBe("Waiting: no page is running the model");
  });
});

test("all labelled, and the map still on its way", () => {
  expect(stateWord(state({ phase: "fitting the layout" }), "running")).toBe("Fitting");
  expect(stateWord(state(), "running")).toBe("Running");
});

test("a failure is read out with its title", () => {
  const problem = { title: "Batch 21 did not fit in memory.", detail: "", remedy: "" };
  expect(announcement(state({ status: "failed", problem }), "failed")).toBe("Failed: Batch 21 did not fit in memory.");
});
