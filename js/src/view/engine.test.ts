import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FromView } from "./api";
import { Dataset } from "./dataset";
import { ViewEngine } from "./engine";
import { LOOK, randomOf, rowsOf, schemaOf, stateOf } from "./testing";

const DATA = "d";
let posted: FromView[] = [];
let engine: ViewEngine;

const ofType = <T extends FromView["type"]>(type: T) =>
  posted.filter((message): message is Extract<FromView, { type: T }> => message.type === type);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  posted = [];
  engine = new ViewEngine((message) => posted.push(message));
});

afterEach(() => {
  vi.useRealTimers();
});

const open = (n: number, run = "r1") => {
  engine.handle({ type: "open", data: DATA, schema: schemaOf(n, run), state: stateOf("running", run) });
  engine.handle({ type: "look", data: DATA, look: LOOK });
};
const bring = (rows: number[], run = "r1") =>
  engine.handle({ type: "rows", data: DATA, rows: rowsOf(rows, randomOf(1), run) });

test("many frames make few reports, and the last one counts all", () => {
  open(100);
  for (let row = 0; row < 100; row++) {
    bring([row]);
    vi.advanceTimersByTime(5);
  }
  vi.advanceTimersByTime(1000);
  const counts = ofType("counts");
  expect(counts.length).toBeLessThanOrEqual(8);
  expect(counts.at(-1)?.counts.done).toBe(100);
  expect(ofType("table-changed")).toHaveLength(counts.length);
});

test("who drags the threshold sees the counts follow, and of looks that wait only the last is taken", () => {
  open(100);
  bring([1, 2, 3]);
  vi.advanceTimersByTime(500);
  const before = ofType("counts").length;
  const look = vi.spyOn(Dataset.prototype, "setLook");
  for (let i = 1; i <= 30; i++) {
    for (let part = 0; part < 4; part++)
      engine.handle({ type: "look", data: DATA, look: { ...LOOK, threshold: i / 30 - part / 1000 } });
    vi.advanceTimersByTime(16);
  }
  expect(look).toHaveBeenCalledTimes(30);
  expect(ofType("counts").length - before).toBe(30);
  look.mockRestore();
});

test("a question that comes after a look is answered in its light", () => {
  open(10);
  bring([1, 2, 3]);
  vi.advanceTimersByTime(500);
  const hidden = { ...LOOK, filters: [{ column: "state", off: [0] }] };
  engine.handle({ type: "look", data: DATA, look: hidden });
  engine.handle({ type: "table", data: DATA, req: 1, start: 0, count: 10, columns: [] });
  expect(ofType("table").at(-1)?.slice.total).toBe(3);
});

test("the extent is told when it changes, and not before", () => {
  open(10);
  vi.advanceTimersByTime(500);
  expect(ofType("extent").map((message) => message.extent)).toEqual([null]);
  bring([1, 2]);
  vi.advanceTimersByTime(500);
  engine.handle({ type: "sort", data: DATA, sort: { column: "score", descending: false, selectionFirst: false } });
  vi.advanceTimersByTime(500);
  expect(ofType("extent")).toHaveLength(2);
  expect(ofType("extent")[1]?.extent).not.toBeNull();
});

test("another run forgets the first one's cells, and late frames of that are not taken", () => {
  open(10);
  bring([0, 1, 2]);
  engine.handle({ type: "select", data: DATA, select: { by: "all" } });
  open(6, "r2");
  bring([3], "r1");
  vi.advanceTimersByTime(500);
  expect(ofType("counts").at(-1)?.counts).toMatchObject({ total: 6, done: 0, selected: 0 });
});

test("a selection made here is told; one from outside is not told back", () => {
  open(10);
  engine.handle({ type: "select", data: DATA, select: { by: "bits", bits: Uint8Array.from([5, 0]) } });
  expect(ofType("selected")).toEqual([]);
  engine.handle({ type: "select", data: DATA, select: { by: "all" } });
  expect(ofType("selected")).toMatchObject([{ data: DATA, count: 10 }]);
  vi.advanceTimersByTime(50);
  expect(ofType("counts").at(-1)?.counts.selected).toBe(10);
});

test("every question has its answer, also of data nobody opened and plots nobody attached", () => {
  engine.handle({ type: "table", data: "none", req: 1, start: 0, count: 5, columns: ["label"] });
  engine.handle({ type: "locate", data: "none", req: 2, row: 4 });
  engine.handle({ type: "place", data: "none", req: 3, row: 4 });
  engine.handle({ type: "point", view: "none", req: 4, x: 1, y: 1 });
  expect(posted).toMatchObject([
    { type: "table", req: 1, slice: { total: 0, columns: { label: null } } },
    { type: "located", req: 2, position: -1 },
    { type: "pointed", req: 3, pointed: null },
    { type: "pointed", req: 4, pointed: null },
  ]);
  vi.advanceTimersByTime(500);
  expect(ofType("counts")).toEqual([]);
});

test("a place is of the cell that was asked for", () => {
  open(10);
  bring([4]);
  engine.handle({ type: "place", data: DATA, req: 9, row: 4 });
  expect(ofType("pointed")[0]?.pointed).toMatchObject({ row: 4, state: 1, name: "" });
});

test("nothing wakes when nothing is to be done", () => {
  open(10);
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
  engine.handle({ type: "close", data: DATA });
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
});
