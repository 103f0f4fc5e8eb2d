/**
 * Every state of the widget, without Jupyter. Build with `npm run pages`, open `dist/fixture.html`:
 * `?state=…&theme=light|dark|vscode-dark|plain&w=1100|760|560|400&h=640&n=8412&still=1&map=URL`.
 */

import { signal } from "@preact/signals";
import type { EngineName, Explains, RunState } from "../src/protocol";
import { type MemoryData, type MemoryOptions, MemorySession } from "../src/session/memory";
import type { Sink } from "../src/session/session";
import { createStore, type Store } from "../src/store";
import { isolated } from "../src/ui/legend/hide";
import { mountWidget } from "../src/ui/mount";
import type { ViewData } from "../src/view/api";
import { connectView } from "../src/view/client";
import { makeCells } from "./cells";
import { dressPage } from "./hosts";
import { type TruthOptions, withTruth } from "./truth";

const query = new URLSearchParams(location.search);
const state = query.get("state") ?? "done";
const n = Number(query.get("n") ?? (state === "empty" ? 0 : 8412));
const rate = query.has("still") ? 0 : Number(query.get("rate") ?? 412);

type Ready = (store: Store, data: MemoryData) => void;

interface Scene {
  options: MemoryOptions;
  engines?: EngineName[];
  source?: "model" | "obsm" | "umap";
  reference?: number;
  explains?: Explains[];
  /** Labels that are known. */
  truth?: TruthOptions;
  /** What of the runtime and the model has come to the page. */
  download?: { loaded: number; total: number };
  /** Once the data is there. */
  ready?: Ready;
  /** What the session tells besides. */
  tell?: (sink: Sink) => void;
}

const done = (more: Partial<Scene> = {}): Scene => ({
  options: { done: n, status: "done", state: { rate: 412, elapsed: 20.4, left: null } },
  ...more,
});

/** A rough circle in data space. */
function circle(x: number, y: number, r: number): Float32Array {
  const points = Array.from({ length: 48 }, (_, i) => (i / 48) * 2 * Math.PI);
  return Float32Array.from(points.flatMap((a) => [x + r * Math.cos(a), y + r * 0.8 * Math.sin(a)]));
}

const under = (status: "running" | "paused" | "stopped", at: number): Scene => ({
  options: { done: Math.round(n * at), status, rate, state: rate ? {} : { rate: 412, elapsed: 10.5, left: 10 } },
});

const BOTH: EngineName[] = ["kernel", "browser"];
const CHOSEN = "the kernel has one core, this page has three";
const UNKNOWN: Partial<RunState> = { backend: null, workers: 0 };
const STEADY: Partial<RunState> = rate ? {} : { rate: 412, elapsed: 10.5, left: 10 };

/** A run on the page, where the kernel could do it too. */
const onPage = (options: MemoryOptions, more: Partial<Scene> = {}): Scene => ({
  options: { ...options, engine: "browser" },
  engines: BOTH,
  ...more,
});

/** Clicks something within the widget. */
const press = (selector: string) =>
  document.querySelector("#host")?.firstElementChild?.shadowRoot?.querySelector<HTMLElement>(selector)?.click();

const openTruth = () => press('[role="tab"][data-tab="truth"]');

const SCENES: Record<string, () => Scene> = {
  loading: () => ({ options: {} }),
  model: () => ({ options: { status: "running", state: { phase: "loading the model" } } }),
  ready: () => ({ options: { status: "idle", rate } }),
  basis: () => ({ options: { done: Math.round(n / 3), status: "running", rate }, source: "obsm", reference: 0 }),
  fitting: () => ({
    options: {
      done: n,
      status: "running",
      unplaced: true,
      state: { phase: "fitting the layout", rate: 412, elapsed: 20.4 },
    },
    source: "umap",
    reference: 0,
  }),
  running: () => under("running", 0.52),
  paused: () => under("paused", 0.62),
  stopped: () => under("stopped", 0.62),
  done: () => done(),
  filtered: () =>
    done({
      ready: (store) => {
        store.hide("label", new Set([2, 13]));
        store.sort.value = { column: "obs:n_counts", descending: true, selectionFirst: false };
      },
    }),
  selected: () =>
    done({ ready: (store) => store.select({ by: "lasso", polygon: circle(-1.2, -0.6, 1), mode: "replace" }) }),
  cell: () => done({ ready: (store) => store.pinCell(4) }),
  gene: () => done({ ready: (store) => store.colorBy("gene:RORB") }),
  genecell: () =>
    done({
      ready: (store) => {
        store.pinCell(4);
        store.colorBy("gene:CUX2");
      },
    }),
  label: () => done({ ready: (store) => store.hide("label", isolated(new Set(), 3, 20)) }),
  blindcell: () => done({ explains: ["occlusion"], ready: (store) => store.pinCell(4) }),
  removing: () =>
    done({
      options: { ...done().options, slow: 60_000 },
      ready: (store) => {
        store.whys.method.value = "occlusion";
        store.select({ by: "lasso", polygon: circle(0.3, 0.7, 1.2), mode: "replace" });
      },
    }),
  removed: () =>
    done({
      ready: (store) => {
        store.whys.method.value = "occlusion";
        store.select({ by: "lasso", polygon: circle(0.3, 0.7, 1.2), mode: "replace" });
      },
    }),
  number: () => done({ ready: (store) => store.colorBy("score") }),
  training: () =>
    done({
      ready: (store) => {
        store.show.value = "reference";
      },
    }),
  yours: () =>
    done({
      ready: (store) => {
        store.show.value = "query";
      },
    }),
  unlike: () =>
    done({ ready: (store) => store.select({ by: "above", column: "distance", limit: 1.2, mode: "replace" }) }),
  distance: () => done({ ready: (store) => store.colorBy("distance") }),
  obs: () => done({ ready: (store) => store.colorBy("obs:n_counts") }),
  many: () => done({ ready: (store) => store.colorBy("obs:cluster") }),
  nothing: () => done({ ready: (store) => store.hide("label", new Set(Array.from({ length: 20 }, (_, i) => i))) }),
  failed: () => ({
    options: {
      done: Math.round(n * 0.61),
      status: "failed",
      state: {
        elapsed: 12.4,
        problem: {
          title: "Batch 21 did not fit in memory",
          detail: "onnxruntime could not allocate 1.21 GB for 256 cells.",
          remedy: "Smaller batches give the same labels. The cells done so far are kept.",
        },
      },
    },
  }),
  partly: () =>
    done({
      options: {
        done: n,
        status: "done",
        failing: { rows: new Set([0, 2, 5]), reason: "no gene of the model was found in them" },
        state: { rate: 412, elapsed: 20.4, left: null },
      },
    }),
  notice: () =>
    done({
      tell: (sink) =>
        sink.problem({
          title: "The kernel did not take the selection",
          detail: "the kernel did not answer",
          remedy: "",
        }),
    }),
  browser: () => onPage({ ...under("running", 0.52).options, state: { chosen: CHOSEN, ...STEADY } }),
  webgpu: () =>
    onPage({ ...under("running", 0.52).options, state: { backend: "webgpu", workers: 1, chosen: CHOSEN, ...STEADY } }),
  switched: () => ({ ...under("running", 0.52), engines: BOTH }),
  engines: () =>
    onPage(
      { ...under("running", 0.52).options, state: { chosen: CHOSEN, ...STEADY } },
      { ready: () => press(".choice button") },
    ),
  page: () => onPage({ done: n, status: "done", state: { rate: 412, elapsed: 20.4, left: null } }),
  fetching: () => ({
    ...onPage({ status: "waiting", state: UNKNOWN }, { source: "umap", reference: 0 }),
    download: { loaded: 4_210_000, total: 7_130_000 },
  }),
  taking: () => ({
    ...onPage({ done: Math.round(n * 0.3), status: "waiting", state: UNKNOWN }),
    download: { loaded: 4_210_000, total: 7_130_000 },
  }),
  waiting: () => onPage({ done: Math.round(n * 0.3), status: "waiting", state: UNKNOWN }),
  gaveup: () =>
    onPage({
      status: "failed",
      state: {
        ...UNKNOWN,
        problem: {
          title: "The model does not run in this browser",
          detail: "The runtime has no operator GroupQueryAttention.",
          remedy: "The kernel runs it, from where the run is.",
        },
      },
    }),
  threshold: () => done({ ready: (store) => store.moveThreshold(0.8) }),
  margin: () => done({ ready: (store) => store.colorBy("margin") }),
  truth: () => done({ truth: {}, ready: openTruth }),
  truthcut: () =>
    done({
      truth: {},
      ready: (store) => {
        store.moveThreshold(0.8);
        openTruth();
      },
    }),
  agreement: () =>
    done({
      truth: {},
      ready: (store) => {
        store.colorBy("agreement");
        openTruth();
      },
    }),
  strangers: () => done({ truth: { strange: true }, ready: openTruth }),
  truthready: () => ({ options: { status: "idle" }, truth: {}, ready: openTruth }),
  lost: () => ({ ...under("running", 0.52), tell: (sink) => sink.connection("lost") }),
  nogl: () => done(),
  empty: () => ({ options: { status: "idle" } }),
};

/** A session that never answers. */
class SilentSession extends MemorySession {
  override listen(): () => void {
    return () => undefined;
  }
}

class TellingSession extends MemorySession {
  tell: ((sink: Sink) => void) | undefined;

  override listen(sink: Sink): () => void {
    const stop = super.listen(sink);
    this.tell?.(sink);
    return stop;
  }
}

/** The real view; in one scene it finds no WebGL. */
function view(): ViewData {
  const data = connectView().data("fixture");
  if (state !== "nogl") return data;
  return {
    ...data,
    listen(events) {
      data.listen({ ...events, gl: () => undefined });
      events.gl("none");
    },
  };
}

/** The same cells over a published map: triples (x, y, class), such as a sims-web folder's `-mappings.bin`. */
async function onMap(data: MemoryData, url: string): Promise<MemoryData> {
  const raw = new Float32Array(await (await fetch(url)).arrayBuffer());
  const total = raw.length / 3;
  const at = (i: number, k: number) => raw[3 * i + k] as number;
  const xy = Float32Array.from({ length: 2 * total }, (_, i) => at(i >> 1, i & 1));
  const labels = Uint16Array.from({ length: total }, (_, i) => at(i, 2));
  const { n, layout } = data.schema;
  const like = (row: number) => (row * 7_919) % total;
  return {
    ...data,
    schema: { ...data.schema, layout: { ...layout, reference: total } },
    columns: {
      ...data.columns,
      xy: Float32Array.from({ length: 2 * n }, (_, i) => at(like(i >> 1), i & 1) + 0.2 * Math.sin(i)),
      label: Uint8Array.from({ length: n }, (_, i) => labels[like(i)] as number),
    },
    reference: { xy, labels },
  };
}

async function open(): Promise<void> {
  const scene = (SCENES[state] ?? done)();
  const cells = makeCells({
    n,
    source: scene.source ?? "model",
    reference: scene.reference ?? (n > 0 ? 12_000 : 0),
    engines: scene.engines,
    explains: scene.explains,
  });
  const map = query.get("map");
  const placed = map ? await onMap(cells, map) : cells;
  const data = scene.truth ? withTruth(placed, scene.truth) : placed;
  const Kind = state === "loading" ? SilentSession : TellingSession;
  const session = new Kind(data, scene.options);
  if (session instanceof TellingSession) session.tell = scene.tell;
  dressPage(query.get("theme") ?? "light");
  const host = document.querySelector<HTMLElement>("#host");
  if (!host) return;
  host.style.width = `${query.get("w") ?? 1100}px`;
  const store = { ...createStore(session, view()), ...(scene.download && { download: signal(scene.download) }) };
  mountWidget(host, store, { height: query.has("h") ? Number(query.get("h")) : null });
  setTimeout(() => {
    scene.ready?.(store, data);
    document.body.dataset.ready = "1";
  }, 300);
  Object.assign(globalThis, { store });
}

open();
