import { beforeEach, describe, expect, type Mock, test, vi } from "vitest";
import type { ColumnSpec, Schema } from "../protocol";
import { LABEL, SCORE, schemaOf } from "../testing";
import { MemorySession } from "./memory";
import type { ColumnPiece, Rows, Sink } from "./session";

const COLUMNS: ColumnSpec[] = [
  { id: "cell", name: "cell", kind: "text", group: "name", dtype: "u4" },
  { id: "xy", name: "xy", kind: "xy", group: "layout", dtype: "f4" },
  LABEL,
  SCORE,
];
const schema = (source: Schema["layout"]["source"]): Schema =>
  schemaOf(4, COLUMNS, { run: "r", layout: { source, name: "", reference: 1, distance_limit: null } });

const data = (source: Schema["layout"]["source"] = "model") => ({
  schema: schema(source),
  columns: {
    cell: ["α", "b", "", "dd"],
    xy: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    label: Uint8Array.of(0, 1, 1, 0),
    score: Float32Array.of(0.1, 0.2, 0.3, 0.4),
  },
  reference: { xy: Float32Array.of(9, 9), labels: Uint16Array.of(1) },
});

let rows: Rows[];
let pieces: ColumnPiece[];
let sink: Sink & { schema: Mock<Sink["schema"]>; state: Mock<Sink["state"]> };

beforeEach(() => {
  rows = [];
  pieces = [];
  sink = {
    schema: vi.fn(),
    state: vi.fn(),
    rows: (frame) => rows.push(frame),
    column: (piece) => pieces.push(piece),
    selection: vi.fn(),
    problem: vi.fn(),
    connection: vi.fn(),
  };
});

const valuesOf = (frame: Rows | undefined, id: string) => [...(frame?.columns.find((c) => c.id === id)?.values ?? [])];

describe("MemorySession", () => {
  test("a page that comes late gets all that is there", () => {
    new MemorySession(data(), { done: 3, status: "running" }).listen(sink);
    expect(sink.schema).toHaveBeenCalledOnce();
    expect([...(rows[0]?.rows ?? [])]).toEqual([0, 1, 2]);
    expect(valuesOf(rows[0], "xy")).toEqual([0, 1, 2, 3, 4, 5]);
    expect(valuesOf(rows[0], "state")).toEqual([1, 1, 1]);
  });

  test("cells come in order, and the last one ends the run", () => {
    const session = new MemorySession(data(), { status: "running" });
    session.listen(sink);
    session.advance(3);
    session.advance(3);
    expect(rows.map((frame) => [...frame.rows])).toEqual([[0, 1, 2], [3]]);
    expect(sink.state.mock.lastCall?.[0]).toMatchObject({ status: "done", done: 4, written: "cellwidget_label" });
  });

  test("text crosses as UTF-8 with offsets", async () => {
    const session = new MemorySession(data());
    session.listen(sink);
    session.want("cell");
    await Promise.resolve();
    const [piece] = pieces;
    expect([...(piece?.values ?? [])]).toEqual([0, 2, 3, 3, 5]);
    expect(new TextDecoder().decode(piece?.bytes)).toBe("αbdd");
  });

  test("what is not there is not sent", async () => {
    const session = new MemorySession(data());
    session.listen(sink);
    session.want("obs:nothing");
    await Promise.resolve();
    expect(pieces).toEqual([]);
  });

  test("a basis does not stream: it is there to be asked for", () => {
    new MemorySession(data("obsm"), { done: 2 }).listen(sink);
    expect(rows[0]?.columns.map(({ id }) => id)).toEqual(["state", "label", "score"]);
  });

  test("cells that fail are counted, with a reason, and have no values", () => {
    new MemorySession(data(), { done: 4, failing: { rows: new Set([1]), reason: "no genes" } }).listen(sink);
    expect(valuesOf(rows[0], "state")).toEqual([1, 2, 1, 1]);
    expect(valuesOf(rows[0], "label")).toEqual([0, 255, 1, 0]);
    expect(valuesOf(rows[0], "score")[1]).toBeNaN();
    expect(sink.schema.mock.lastCall?.[1]).toMatchObject({
      done: 3,
      failed: 1,
      failures: [{ reason: "no genes", cells: 1 }],
    });
  });

  test("what it gives away is a copy: a worker may take it", () => {
    const held = data();
    const session = new MemorySession(held, { done: 4 });
    session.listen(sink);
    for (const { values } of rows[0]?.columns ?? []) structuredClone(values, { transfer: [values.buffer] });
    expect(held.columns.xy).toHaveLength(8);
  });

  test("an engine's name goes on there, from where the run is", () => {
    const session = new MemorySession(
      { ...data(), schema: { ...schema("model"), engines: ["kernel", "browser"] } },
      { done: 2, status: "failed", engine: "browser" },
    );
    expect(session.can.engines).toEqual(["kernel", "browser"]);
    session.listen(sink);
    expect(sink.schema.mock.lastCall?.[1]).toMatchObject({ engine: "browser", backend: "wasm", workers: 2 });
    session.command("kernel");
    const now = { status: "running", engine: "kernel", backend: "onnxruntime", workers: 1, done: 2 };
    expect(sink.state.mock.lastCall?.[0]).toMatchObject(now);
  });

  test("another engine does not start what nobody started", () => {
    const session = new MemorySession(data(), { status: "idle" });
    session.listen(sink);
    session.command("browser");
    expect(sink.state.mock.lastCall?.[0]).toMatchObject({ status: "idle", engine: "browser" });
  });

  test("running again is a new run, from nothing", () => {
    const session = new MemorySession(data(), { done: 4, status: "done" });
    session.listen(sink);
    session.command("run");
    const [first, second] = sink.schema.mock.calls.map(([schema]) => schema.run);
    expect(second).not.toBe(first);
    expect(sink.state.mock.lastCall?.[0]).toMatchObject({ status: "running", done: 0 });
  });
});
