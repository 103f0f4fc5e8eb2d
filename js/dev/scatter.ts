/**
 * One plot alone, and how long its frames take. Build with `npm run pages`, open `dist/scatter.html`:
 * `?n=1000000&done=0.5&color=label|score&theme=light|dark&basis=1&w=644&h=520&zoom=4`; `?points=URL` draws float32
 * triples (x, y, class), such as a sims-web folder's `-mappings.bin`, as the reference, and every `every`th as a cell.
 */
import { paletteOf, rampOf } from "../src/palette";
import { CELL, type ColumnSpec, type Schema } from "../src/protocol";
import { canvasColors } from "../src/ui/theme";
import type { Camera, Extent, Show, Theme } from "../src/view/api";
import { connectView } from "../src/view/client";

const query = new URLSearchParams(location.search);
const number = (name: string, other: number) => Number(query.get(name) ?? other);
const dark = query.get("theme") === "dark";
const [width, height] = [number("w", 644), number("h", 520)];

interface Cells {
  xy: Float32Array;
  label: Uint8Array;
  score: Float32Array;
  reference: { xy: Float32Array; labels: Uint16Array };
}

/** The same at every call, near enough to normal. */
function noise(seed: number): () => number {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 4294967296;
  };
  return () => next() + next() + next() + next() - 2;
}

function synthetic(n: number): Cells {
  const next = noise(7);
  const centres = Float32Array.from({ length: 40 }, () => 6 * next());
  const label = Uint8Array.from({ length: n }, (_, i) => (i * 7) % 20);
  const xy = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const code = label[i] as number;
    xy[2 * i] = (centres[2 * code] as number) + next();
    xy[2 * i + 1] = (centres[2 * code + 1] as number) + next() * 0.6;
  }
  return {
    xy,
    label,
    score: Float32Array.from({ length: n }, () => Math.min(1, 0.7 + 0.3 * next())),
    reference: { xy, labels: Uint16Array.from(label) },
  };
}

async function published(url: string, every: number): Promise<Cells> {
  const raw = new Float32Array(await (await fetch(url)).arrayBuffer());
  const total = raw.length / 3;
  const n = Math.floor(total / every);
  const next = noise(11);
  const reference = { xy: new Float32Array(2 * total), labels: new Uint16Array(total) };
  for (let i = 0; i < total; i++) {
    reference.xy.set(raw.subarray(3 * i, 3 * i + 2), 2 * i);
    reference.labels[i] = raw[3 * i + 2] as number;
  }
  const at = (i: number) => 3 * i * every;
  return {
    reference,
    xy: Float32Array.from({ length: 2 * n }, (_, i) => (raw[at(i >> 1) + (i & 1)] as number) + 0.35 * next()),
    label: Uint8Array.from({ length: n }, (_, i) => raw[at(i) + 2] as number),
    score: Float32Array.from({ length: n }, () => Math.min(1, 0.75 + 0.25 * next())),
  };
}

function schemaOf(n: number, categories: string[], reference: number): Schema {
  const column = (id: string, kind: ColumnSpec["kind"], dtype: ColumnSpec["dtype"]): ColumnSpec => ({
    id,
    name: id,
    kind,
    group: kind === "xy" ? "layout" : "result",
    dtype,
  });
  return {
    run: "dev",
    n,
    key: "dev",
    model: { name: "dev", title: "dev", family: "", version: "0", genes: 0, classes: categories, explains: [] },
    report: null,
    columns: [
      column("state", "category", "u1"),
      column("xy", "xy", "f4"),
      { ...column("label", "category", "u1"), categories },
      column("score", "number", "f4"),
    ],
    color: "label",
    layout: { source: "model", name: "UMAP", reference, distance_limit: null },
    genes: { count: 0, values: "" },
    engines: ["kernel"],
    truth: null,
  };
}

function wholeIn({ x0, y0, x1, y1 }: Extent): number {
  return 0.9 * Math.min(width / (x1 - x0), height / (y1 - y0));
}

function centred({ x0, y0, x1, y1 }: Extent, k: number): Camera {
  return { k, x: width / 2 - (k * (x0 + x1)) / 2, y: height / 2 + (k * (y0 + y1)) / 2 };
}

function showLabels(plot: HTMLElement, names: string[], labels: { code: number; x: number; y: number }[]): void {
  for (const old of plot.querySelectorAll("span")) old.remove();
  for (const { code, x, y } of labels) {
    const span = document.createElement("span");
    span.textContent = names[code] ?? "";
    span.style.left = `${x}px`;
    span.style.top = `${y}px`;
    const ground = dark ? "#111" : "#fff";
    span.style.textShadow = Array(8).fill(`0 0 2px ${ground}`).join();
    plot.append(span);
  }
}

async function open(): Promise<void> {
  const plot = document.querySelector<HTMLElement>("#plot");
  const canvas = document.querySelector("canvas");
  const log = document.querySelector("#log");
  if (!plot || !canvas || !log) return;
  const points = query.get("points");
  const cells = points ? await published(points, number("every", 6)) : synthetic(number("n", 100_000));
  const n = cells.label.length;
  const names = Array.from({ length: Math.max(...cells.label.subarray(0, 50_000)) + 1 }, (_, i) => `Class ${i + 1}`);
  const theme: Theme = {
    dark,
    ground: dark ? [17, 17, 17] : [255, 255, 255],
    ink: dark ? [220, 220, 220] : [33, 33, 33],
    accent: [25, 118, 210],
    ...canvasColors("jupyter", dark),
    font: "system-ui, sans-serif",
  };
  document.body.style.background = dark ? "#111" : "#fff";
  document.body.style.color = dark ? "#ddd" : "#222";

  const view = connectView().data("dev");
  const schema = schemaOf(n, names, cells.reference.labels.length);
  const spec = schema.columns[2] as ColumnSpec;
  let frames: number[] = [];
  const screen = view.attach({ width, height, dpr: devicePixelRatio }, theme, false, (bitmap, _, labels) => {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.style.width = `${width}px`;
    canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    showLabels(plot, names, labels);
    frames.push(performance.now());
    document.body.dataset.frames = String(Number(document.body.dataset.frames ?? 0) + 1);
  });
  let extent: Extent | null = null;
  view.listen({
    extent: (found) => {
      if (!found || extent) return;
      extent = found;
      const k = wholeIn(found);
      screen.camera(centred(found, k * number("zoom", 1)), k);
    },
    counts: (counts) => {
      document.body.dataset.done = String(counts.done);
    },
    selected: () => undefined,
    tableChanged: () => undefined,
    gl: (state) => log.append(`gl ${state}\n`),
  });
  const done = Math.round(n * number("done", 1));
  const state = { run: "dev", status: done < n ? "running" : "done" } as Parameters<typeof view.open>[1];
  view.open(schema, state);
  view.look({
    color: query.get("color") ?? "label",
    palette: paletteOf(spec, dark),
    ramp: rampOf("result", dark),
    domain: null,
    focus: number("focus", -1),
    show: (query.get("show") ?? "both") as Show,
    filters: [],
    threshold: 0,
  });
  const { xy, labels } = cells.reference;
  const total = labels.length;
  view.column({ column: "reference", start: 0, count: total, total, values: xy.slice(), labels: labels.slice() });
  if (query.has("basis")) view.column({ column: "xy", start: 0, count: n, total: n, values: cells.xy.slice() });
  const piece = 10_000;
  for (let start = 0; start < done; start += piece) {
    const count = Math.min(piece, done - start);
    view.rows({
      run: "dev",
      rows: Uint32Array.from({ length: count }, (_, i) => start + i),
      columns: [
        { id: "state", values: new Uint8Array(count).fill(CELL.done) },
        { id: "xy", values: cells.xy.slice(2 * start, 2 * (start + count)) },
        { id: "label", values: cells.label.slice(start, start + count) },
        { id: "score", values: cells.score.slice(start, start + count) },
      ],
    });
    if (query.has("paced")) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const circle = Float32Array.from({ length: 96 }, (_, i) => {
    const angle = ((i >> 1) / 48) * 2 * Math.PI;
    return i & 1 ? number("sy", 0) + Math.sin(angle) : number("sx", 0) + Math.cos(angle);
  });
  if (query.has("sx")) view.select({ by: "lasso", polygon: circle, mode: "replace" });

  /** Frames a second while the camera turns for some seconds. */
  const spin = async (seconds: number): Promise<number> => {
    const { x0, y0, x1, y1 } = extent ?? { x0: 0, y0: 0, x1: 1, y1: 1 };
    const k = wholeIn({ x0, y0, x1, y1 });
    frames = [];
    const end = performance.now() + 1000 * seconds;
    for (let step = 0; performance.now() < end; step++) {
      const camera = centred({ x0, y0, x1, y1 }, k * (1 + 0.3 * Math.sin(step / 20)));
      screen.camera(camera, k);
      await new Promise(requestAnimationFrame);
    }
    return frames.length / seconds;
  };
  Object.assign(globalThis, { view, screen, spin, ready: true });
}

open();
