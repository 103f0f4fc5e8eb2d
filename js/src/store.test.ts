import { beforeEach, describe, expect, test, vi } from "vitest";
import type { CellDetail, ColumnSpec, RunState, Schema } from "./protocol";
import type { Session, Sink } from "./session/session";
import { createStore, type Store } from "./store";
import { LABEL, SCORE, schemaOf } from "./testing";
import type { Counts, DataEvents, ViewData } from "./view/api";

const BATCH: ColumnSpec = {
  id: "obs:batch",
  name: "batch",
  kind: "category",
  group: "obs",
  dtype: "u1",
  categories: ["x"],
};
const schema = (more: Partial<Schema> = {}): Schema => schemaOf(3, [LABEL, SCORE, BATCH], more);
const state = { run: "r1", status: "running" } as RunState;

let sink: Sink;
let events: DataEvents;
let answer: { resolve(detail: CellDetail): void; reject(error: Error): void };
let session: Session;
let view: ViewData;
let store: Store;

beforeEach(() => {
  session = {
    can: { run: true, inspect: true, engines: ["kernel"] },
    port: null,
    listen: (given) => {
      sink = given;
      return vi.fn();
    },
    command: vi.fn(),
    want: vi.fn(),
    select: vi.fn(),
    threshold: vi.fn(async () => undefined),
    inspect: () =>
      new Promise((resolve, reject) => {
        answer = { resolve, reject };
      }),
    explain: vi.fn(() => new Promise<never>(() => {})),
    close: vi.fn(),
  };
  view = {
    listen: (given) => {
      events = given;
    },
    open: vi.fn(),
    state: vi.fn(),
    rows: vi.fn(),
    column: vi.fn(),
    look: vi.fn(),
    select: vi.fn(),
    sort: vi.fn(),
    table: vi.fn(),
    locate: vi.fn(),
    place: vi.fn(),
    attach: vi.fn(),
    close: vi.fn(),
  };
  store = createStore(session, view);
});

describe("a run begins", () => {
  test("the view hears of it before it is told how to look", () => {
    sink.schema(schema(), state);
    const [opened] = vi.mocked(view.open).mock.invocationCallOrder;
    const [looked] = vi.mocked(view.look).mock.invocationCallOrder;
    expect(opened).toBeLessThan(looked as number);
    expect(vi.mocked(view.look).mock.lastCall?.[0]).toMatchObject({ color: "label", filters: [], show: "both" });
  });

  test("training cells alone have their labels for a colour; another colour, or a selection, brings the others back", () => {
    sink.schema(schema({ layout: { source: "model", name: "", reference: 9, distance_limit: 2 } }), state);
    store.colorBy("obs:batch");
    store.show.value = "reference";
    expect(store.color.value?.id).toBe("label");
    store.select({ by: "none" });
    expect(store.show.value).toBe("reference");
    store.select({ by: "above", column: "distance", limit: 2, mode: "replace" });
    expect([store.show.value, store.color.value?.id]).toEqual(["both", "obs:batch"]);
    store.show.value = "reference";
    store.colorBy("obs:batch");
    expect(store.show.value).toBe("both");
  });

  test("only cells unlike training: a filter that ends with the run", () => {
    sink.schema(schema({ layout: { source: "model", name: "", reference: 9, distance_limit: 2 } }), state);
    store.onlyUnlike.value = true;
    expect(store.look.value?.filters).toEqual([{ column: "distance", above: 2 }]);
    sink.schema(schema({ run: "r2" }), state);
    expect(store.look.value?.filters).toEqual([]);
  });

  test("names are asked for, and what the layout needs", () => {
    sink.schema(schema({ layout: { source: "obsm", name: "X_umap", reference: 9, distance_limit: null } }), state);
    expect(vi.mocked(session.want).mock.calls.flat()).toEqual(["cell", "reference", "xy"]);
  });

  test("genes are columns that no list names: wanted when one colours by them, kept for another run", () => {
    sink.schema(schema({ genes: { count: 2, values: "log1p" } }), state);
    expect(session.want).toHaveBeenCalledWith("genes");
    const bytes = new TextEncoder().encode("CD4<b>");
    sink.column({ column: "genes", start: 0, count: 2, total: 2, values: Uint32Array.of(0, 3, 6), bytes });
    expect([store.genes.count, store.genes.has("<b>")]).toEqual([2, true]);
    expect(view.column).not.toHaveBeenCalled();
    store.colorBy("gene:<b>");
    expect(store.color.value).toMatchObject({ name: "<b>", group: "gene", kind: "number" });
    expect(session.want).toHaveBeenCalledWith("gene:<b>");
    sink.schema(schema({ run: "r2", genes: { count: 2, values: "log1p" } }), { ...state, run: "r2" });
    expect(store.color.value?.id).toBe("gene:<b>");
    expect(store.genes.count).toBe(0);
  });

  test("a second run keeps the colour and forgets filters, pins and counts", () => {
    sink.schema(schema(), state);
    store.colorBy("obs:batch");
    store.hide("label", new Set([1]));
    store.pinCell(2);
    sink.schema(schema({ run: "r2" }), state);
    expect(store.color.value?.id).toBe("obs:batch");
    expect([store.hidden.value.size, store.pin.value, store.counts.value]).toEqual([0, null, null]);
    expect(
      vi
        .mocked(session.want)
        .mock.calls.flat()
        .filter((id) => id === "obs:batch"),
    ).toHaveLength(2);
  });

  test("a colour that the new run does not have gives way to its own", () => {
    sink.schema(schema(), state);
    store.colorBy("obs:batch");
    sink.schema(schema({ run: "r2", columns: schema().columns.slice(0, 2) }), state);
    expect(store.color.value?.id).toBe("label");
  });
});

describe("selection", () => {
  beforeEach(() => sink.schema(schema(), state));

  test("ours goes to the session, others' only to the view", () => {
    events.selected(Uint8Array.of(5), 2);
    expect(session.select).toHaveBeenCalledWith(Uint8Array.of(5), 2);
    sink.selection(Uint8Array.of(1), 1);
    expect(view.select).toHaveBeenCalledWith({ by: "bits", bits: Uint8Array.of(1) });
    expect(session.select).toHaveBeenCalledOnce();
  });

  test("the lasso stays as long as it is what is selected", () => {
    const polygon = Float32Array.of(0, 0, 1, 0, 1, 1);
    store.select({ by: "lasso", polygon, mode: "replace" });
    expect(store.lasso.value).toBe(polygon);
    store.select({ by: "rows", rows: Uint32Array.of(1), mode: "toggle" });
    expect(store.lasso.value).toBeNull();
  });

  test("a lasso takes the place of the pinned cell, a ticked row does not", () => {
    store.pinCell(2);
    store.select({ by: "rows", rows: Uint32Array.of(1), mode: "toggle" });
    expect(store.pin.value?.row).toBe(2);
    store.select({ by: "lasso", polygon: Float32Array.of(0, 0, 1, 0, 1, 1), mode: "remove" });
    expect(store.pin.value).toBeNull();
    store.pinCell(2);
    store.select({ by: "above", column: "distance", limit: 1, mode: "replace" });
    expect(store.pin.value).toBeNull();
  });

  test("letting go: the pinned cell first, then the selection, then nothing", () => {
    events.counts({ selected: 2 } as Counts);
    store.pinCell(2);
    expect(store.release()).toBe(true);
    expect([store.pin.value, vi.mocked(view.select).mock.calls]).toEqual([null, []]);
    expect(store.release()).toBe(true);
    expect(view.select).toHaveBeenCalledWith({ by: "none" });
    events.counts({ selected: 0 } as Counts);
    expect(store.release()).toBe(false);
  });
});

describe("a pinned cell", () => {
  beforeEach(() => sink.schema(schema(), state));

  test("is there at once, its detail when the kernel answers", async () => {
    store.pinCell(2);
    expect(store.pin.value).toEqual({ row: 2, detail: null, trouble: null });
    answer.resolve({ row: 2 } as CellDetail);
    await vi.waitFor(() => expect(store.pin.value?.detail?.row).toBe(2));
  });

  test("an answer for the one before it is not shown", async () => {
    store.pinCell(1);
    const late = answer;
    store.pinCell(2);
    late.resolve({ row: 1 } as CellDetail);
    answer.reject(new Error("the kernel did not answer"));
    await vi.waitFor(() => expect(store.pin.value?.trouble).toBe("the kernel did not answer"));
    expect(store.pin.value).toMatchObject({ row: 2, detail: null });
  });
});

test("filters, ranges and colours reach the view as one look", () => {
  sink.schema(schema(), state);
  store.hide("label", new Set([1]));
  store.colorBy("score");
  store.domain.value = [0.2, 0.9];
  expect(vi.mocked(view.look).mock.lastCall?.[0]).toMatchObject({
    color: "score",
    domain: [0.2, 0.9],
    filters: [{ column: "label", off: [1] }],
  });
  store.colorBy("label");
  expect(store.look.value?.domain).toBeNull();
});

test("what the view says is there to be read", () => {
  sink.schema(schema(), state);
  const before = store.table.value.version;
  events.tableChanged(2);
  events.extent({ x0: 0, y0: 0, x1: 1, y1: 1 });
  events.gl("lost");
  expect(store.table.value).toEqual({ version: before + 1, total: 2 });
  expect([store.extent.value?.x1, store.gl.value]).toEqual([1, "lost"]);
});

test("the end closes both sides, once", () => {
  sink.schema(schema(), state);
  store.dispose();
  const looks = vi.mocked(view.look).mock.calls.length;
  store.colorBy("score");
  expect(session.close).toHaveBeenCalledOnce();
  expect(view.close).toHaveBeenCalledOnce();
  expect(vi.mocked(view.look).mock.calls).toHaveLength(looks);
});
