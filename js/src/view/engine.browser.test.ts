/** Pixels, in a real browser: the engine on this page's thread, so that its context can be taken away. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Rows } from "../session/session";
import type { FromView, Look, Rgb, Theme, ToView } from "./api";
import { ViewEngine } from "./engine";
import { LOOK, schemaOf, stateOf } from "./testing";

const THEME: Theme = {
  dark: false,
  ground: [255, 255, 255],
  ink: [0, 0, 0],
  accent: [0, 0, 255],
  backdrop: [237, 237, 239],
  ghost: [219, 219, 221],
  zero: [206, 206, 206],
  notRun: [140, 140, 140],
  font: "sans-serif",
};
const SIZE = { width: 200, height: 100, dpr: 1 };
/** Ten pixels a unit, from the lower left corner. */
const CAMERA = { x: 0, y: 100, k: 10 };

type Frame = Extract<FromView, { type: "frame" }>;
type Pixel = [number, number, number, number];

let engine: ViewEngine;
let frames: Frame[] = [];
let states: string[] = [];

beforeEach(() => {
  frames = [];
  states = [];
  engine = new ViewEngine((message) => {
    if (message.type === "gl") states.push(message.state);
    if (message.type !== "frame") return;
    frames.push(message);
    queueMicrotask(() => engine.handle({ type: "shown", view: message.view }));
  });
});

afterEach(() => {
  engine.handle({ type: "close", data: "d" });
  vi.restoreAllMocks();
});

const send = (...messages: ToView[]) => {
  for (const message of messages) engine.handle(message);
};

const attach = (view: string, data = "d") =>
  send(
    { type: "attach", view, data, ...SIZE, theme: THEME, still: true },
    { type: "camera", view, camera: CAMERA, fit: 10 },
  );

const look = (more: Partial<Look> = {}) => send({ type: "look", data: "d", look: { ...LOOK, ...more } });

/** Cells at places, with labels. */
function rows(...cells: [row: number, x: number, y: number, label: number][]): Rows {
  return {
    run: "r1",
    rows: Uint32Array.from(cells, ([row]) => row),
    columns: [
      { id: "state", values: new Uint8Array(cells.length).fill(1) },
      { id: "xy", values: Float32Array.from(cells.flatMap(([, x, y]) => [x, y])) },
      { id: "label", values: Uint8Array.from(cells, ([, , , label]) => label) },
      { id: "score", values: Float32Array.from(cells, ([row]) => row / 10) },
    ],
  };
}

function open(...cells: Parameters<typeof rows>) {
  send({ type: "open", data: "d", schema: schemaOf(10), state: stateOf("done") });
  look();
  send({ type: "rows", data: "d", rows: rows(...cells) });
}

/** The last picture of a view once no other follows. */
async function settled(view = "v"): Promise<Frame> {
  let count = -1;
  await vi.waitFor(
    async () => {
      const before = frames.length;
      if (before === count && frames.some((frame) => frame.view === view)) return;
      count = before;
      throw new Error("still drawing");
    },
    { timeout: 10_000, interval: 200 },
  );
  return frames.filter((frame) => frame.view === view).at(-1) as Frame;
}

function pixelsOf({ bitmap }: Frame): (x: number, y: number) => Pixel {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  if (!context) throw new Error("no 2d context");
  context.drawImage(bitmap, 0, 0);
  return (x, y) => [...context.getImageData(x, y, 1, 1).data] as Pixel;
}

/** Strongest channel of a pixel, as an index into the palette; -1 for none. */
function hue([r, g, b, a]: Pixel): number {
  if (a < 100) return -1;
  const most = Math.max(r, g, b);
  return most - Math.min(r, g, b) < 60 ? -1 : [r, g, b].indexOf(most);
}

const saturation = ([r, g, b]: Pixel) => Math.max(r, g, b) - Math.min(r, g, b);

test("a point is where its cell is, in its label's colour, and nowhere else", async () => {
  open([0, 5, 5, 0], [1, 15, 2, 1], [2, 10, 9, 2]);
  attach("v");
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(150, 80)), hue(at(100, 10))]).toEqual([0, 1, 2]);
  expect([at(50, 44)[3], at(10, 10)[3], at(100, 50)[3]]).toEqual([0, 0, 0]);
});

test("a plot attached before its data is known draws once it is", async () => {
  attach("v");
  open([0, 5, 5, 0]);
  expect(hue(pixelsOf(await settled())(50, 50))).toBe(0);
  expect(states[0]).toBe("ok");
});

test("the camera that a picture was drawn with comes along", async () => {
  open([0, 5, 5, 0]);
  attach("v");
  const camera = { x: 20, y: 90, k: 8 };
  send({ type: "camera", view: "v", camera, fit: 10 });
  const frame = await settled();
  expect(frame.camera).toEqual(camera);
  expect(hue(pixelsOf(frame)(60, 50))).toBe(0);
});

test("selecting dims the rest, and keeps the selected", async () => {
  open([0, 5, 5, 0], [1, 15, 5, 0]);
  attach("v");
  const before = saturation(pixelsOf(await settled())(150, 50));
  send({ type: "select", data: "d", select: { by: "rows", rows: Uint32Array.of(0), mode: "replace" } });
  const at = pixelsOf(await settled());
  expect(saturation(at(150, 50))).toBeLessThan(before / 2);
  expect(hue(at(50, 50))).toBe(0);
  expect(saturation(at(50, 50))).toBeGreaterThan(0.9 * before);
});

test("what a filter refuses, and what is not pointed at in the legend, is a pale grey ghost", async () => {
  open([0, 5, 5, 0], [1, 15, 5, 1]);
  attach("v");
  look({ filters: [{ column: "label", off: [1] }] });
  const filtered = pixelsOf(await settled());
  expect([hue(filtered(50, 50)), hue(filtered(150, 50))]).toEqual([0, -1]);
  expect(filtered(150, 50)[3]).toBeGreaterThan(150);
  look({ focus: 1 });
  const focused = pixelsOf(await settled());
  expect([hue(focused(50, 50)), hue(focused(150, 50))]).toEqual([-1, 1]);
});

test("a cell with a place but no result is a ring", async () => {
  open();
  const values = new Float32Array(20).fill(NaN);
  values.set([5, 5]);
  send({ type: "column", data: "d", piece: { column: "xy", start: 0, count: 10, total: 10, values } });
  attach("v");
  send({ type: "resize", view: "v", ...SIZE, dpr: 4 });
  const at = pixelsOf(await settled());
  expect(at(200, 200)).toEqual([255, 255, 255, 255]);
  const dark = Array.from({ length: 12 }, (_, i) => at(200 + i, 200)[0]);
  expect(Math.min(...dark)).toBeLessThan(190);
});

test("numbers take the ramp, low to high", async () => {
  open([1, 5, 5, 0], [9, 15, 5, 0]);
  look({ color: "score" });
  attach("v");
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(150, 50))]).toEqual([2, 0]);
});

test("the reference lies under the cells, and can be switched off", async () => {
  open([0, 5, 5, 0]);
  const values = Float32Array.from({ length: 200 }, (_, i) => (i % 2 ? 5 : 12) + 0.002 * i);
  send({ type: "column", data: "d", piece: { column: "reference", start: 0, count: 100, total: 100, values } });
  attach("v");
  const at = pixelsOf(await settled());
  expect(at(122, 48)[3]).toBeGreaterThan(100);
  expect(saturation(at(122, 48))).toBeLessThan(10);
  expect(hue(at(50, 50))).toBe(0);
  look({ show: "query" });
  expect(pixelsOf(await settled())(122, 48)[3]).toBe(0);
});

test("the reference alone is in the colours of its labels, ghosts where they are switched off", async () => {
  open([0, 5, 5, 0]);
  const values = Float32Array.of(12, 5, 15, 5);
  const labels = Uint16Array.of(1, 2);
  send({ type: "column", data: "d", piece: { column: "reference", start: 0, count: 2, total: 2, values, labels } });
  attach("v");
  look({ show: "reference" });
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(120, 50)), hue(at(150, 50))]).toEqual([-1, 1, 2]);
  look({ show: "reference", filters: [{ column: "label", off: [1] }] });
  const without = pixelsOf(await settled());
  expect(saturation(without(120, 50))).toBeLessThan(10);
  expect(hue(without(150, 50))).toBe(2);
});

test("cells that come later are drawn too, and moved ones move", async () => {
  open([0, 5, 5, 0]);
  attach("v");
  await settled();
  send({ type: "rows", data: "d", rows: rows([7, 15, 5, 1], [0, 10, 5, 0]) });
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(100, 50)), hue(at(150, 50))]).toEqual([-1, 0, 1]);
});

test("another run empties the plot", async () => {
  open([0, 5, 5, 0]);
  attach("v");
  await settled();
  send({ type: "open", data: "d", schema: schemaOf(3, "r2"), state: stateOf("running", "r2") });
  expect(pixelsOf(await settled())(50, 50)[3]).toBe(0);
});

test("two plots of two widgets share one context, each with its own size", async () => {
  const contexts = vi.spyOn(OffscreenCanvas.prototype, "getContext");
  open([0, 5, 5, 0]);
  send({ type: "open", data: "e", schema: schemaOf(10), state: stateOf("done") });
  send({ type: "look", data: "e", look: LOOK }, { type: "rows", data: "e", rows: rows([0, 5, 5, 1]) });
  attach("v");
  attach("w", "e");
  send({ type: "resize", view: "w", width: 300, height: 100, dpr: 2 });
  const [first, second] = [await settled("v"), await settled("w")];
  expect([first.bitmap.width, second.bitmap.width]).toEqual([200, 600]);
  expect(hue(pixelsOf(first)(50, 50))).toBe(0);
  expect(hue(pixelsOf(second)(100, 100))).toBe(1);
  expect(contexts.mock.calls.filter(([kind]) => kind === ("webgl2" as never))).toHaveLength(1);
  send({ type: "close", data: "e" });
});

test("a lost context is repaired with all that was on it", async () => {
  open([0, 5, 5, 0], [1, 15, 5, 1]);
  attach("v");
  await settled();
  const extension = engine.context?.getExtension("WEBGL_lose_context");
  extension?.loseContext();
  await vi.waitFor(() => expect(states.at(-1)).toBe("lost"));
  send({ type: "rows", data: "d", rows: rows([2, 10, 5, 2]) });
  const before = frames.length;
  extension?.restoreContext();
  await vi.waitFor(() => expect(states.at(-1)).toBe("ok"));
  await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before), { timeout: 5000 });
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(100, 50)), hue(at(150, 50))]).toEqual([0, 2, 1]);
});

test("nothing is drawn where nothing can be seen, and all is when it can", async () => {
  open([0, 5, 5, 0]);
  attach("v");
  await settled();
  send({ type: "resize", view: "v", width: 0, height: 0, dpr: 1 });
  send({ type: "rows", data: "d", rows: rows([1, 15, 5, 1]) });
  const before = frames.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(frames.length).toBe(before);
  send({ type: "resize", view: "v", ...SIZE });
  expect(hue(pixelsOf(await settled())(150, 50))).toBe(1);
});

test("the page sets the pace: no picture before the last one was taken", async () => {
  const waiting: Frame[] = [];
  const slow = new ViewEngine((message) => {
    if (message.type === "frame") waiting.push(message);
  });
  const messages: ToView[] = [
    { type: "open", data: "s", schema: schemaOf(2), state: stateOf("done") },
    { type: "attach", view: "s", data: "s", ...SIZE, theme: THEME, still: true },
  ];
  for (const message of messages) slow.handle(message);
  for (let x = 0; x < 20; x++) {
    slow.handle({ type: "camera", view: "s", camera: { ...CAMERA, x }, fit: 10 });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(waiting).toHaveLength(1);
  slow.handle({ type: "shown", view: "s" });
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  expect(waiting[1]?.camera.x).toBe(19);
});

test("every colour of a long palette is its category's own", async () => {
  const palette = Array.from({ length: 300 }, (_, i): Rgb => (i === 260 ? [0, 200, 0] : [200, 0, 0]));
  const schema = schemaOf(2);
  const label = {
    ...schema.columns.find((column) => column.id === "label"),
    dtype: "u2",
    categories: Array(300).fill(""),
  };
  const columns = schema.columns.map((column) => (column.id === "label" ? (label as typeof column) : column));
  send({ type: "open", data: "d", schema: { ...schema, columns }, state: stateOf("done") });
  look({ palette });
  const frame = rows([0, 5, 5, 0], [1, 15, 5, 0]);
  const values = Uint16Array.of(260, 12);
  send({
    type: "rows",
    data: "d",
    rows: { ...frame, columns: frame.columns.map((c) => (c.id === "label" ? { id: "label", values } : c)) },
  });
  attach("v");
  const at = pixelsOf(await settled());
  expect([hue(at(50, 50)), hue(at(150, 50))]).toEqual([1, 0]);
});
