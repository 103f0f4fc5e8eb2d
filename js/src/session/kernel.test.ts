import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Many, RunState, Schema, ToKernel } from "../protocol";
import { type Comm, KernelSession } from "./kernel";
import type { Sink } from "./session";
import type { Raw } from "./wire";

const STATE = { run: "r1", status: "running", log: 0 } as RunState;
const SCHEMA = { run: "r1", n: 8 } as Schema;

type Sent = ToKernel & { buffers: number };

class FakeComm implements Comm {
  sent: Sent[] = [];
  listener: ((content: unknown, buffers: Raw[]) => void) | null = null;
  /** What went out, one by one, in order; small messages wait for a moment. */
  send(content: unknown, _: unknown, buffers: ArrayBuffer[] = []): void {
    const message = content as ToKernel | Many;
    if (message.type !== "many") this.sent.push({ ...message, buffers: buffers.length });
    else for (const one of message.messages) this.sent.push({ page: message.page, ...one } as unknown as Sent);
  }
  on(_: "msg:custom", listener: (content: unknown, buffers: Raw[]) => void): void {
    this.listener = listener;
  }
  off(): void {
    this.listener = null;
  }
  page(): string {
    return this.sent[0]?.page ?? "";
  }
  tell(message: Record<string, unknown>, buffers: Raw[] = []): void {
    this.listener?.({ to: this.page(), ...message }, buffers);
  }
  kinds(): string[] {
    return this.sent.map((message) => message.type);
  }
}

function fakeSink() {
  return {
    schema: vi.fn(),
    state: vi.fn(),
    rows: vi.fn(),
    column: vi.fn(),
    selection: vi.fn(),
    problem: vi.fn(),
    connection: vi.fn(),
  } satisfies Sink;
}

const u4 = (...values: number[]) => new Uint32Array(values).buffer;
const u1 = (...values: number[]) => new Uint8Array(values).buffer;
const rows = (from: number, to: number, seq = 1) => ({
  type: "rows",
  seq,
  run: "r1",
  from,
  to_position: to,
  columns: [{ id: "label", dtype: "u1" }],
});

describe("KernelSession", () => {
  let comm: FakeComm;
  let session: KernelSession;
  let sink: ReturnType<typeof fakeSink>;

  beforeEach(() => {
    vi.useFakeTimers();
    comm = new FakeComm();
    session = new KernelSession(comm, "binary");
    sink = fakeSink();
    session.listen(sink);
  });
  afterEach(() => {
    session.close();
    vi.useRealTimers();
  });

  /** Lets small messages go. */
  const moment = () => vi.advanceTimersByTime(150);
  const begin = () => comm.tell({ type: "schema", schema: SCHEMA, state: STATE, selection: 0 });

  test("says hello with nothing in hand", () => {
    expect(comm.sent[0]).toMatchObject({ type: "hello", run: null, position: 0, transport: "binary", protocol: 1 });
  });

  test("reads rows, acknowledges them, and remembers where it is", () => {
    begin();
    comm.tell(rows(0, 2), [u4(1, 3), u1(7, 2)]);
    const got = sink.rows.mock.calls[0]?.[0];
    expect([...got.rows]).toEqual([1, 3]);
    expect([...got.columns[0].values]).toEqual([7, 2]);
    moment();
    expect(comm.sent.at(-1)).toMatchObject({ type: "ack", seq: 1 });
    comm.tell({ type: "state", state: { ...STATE, log: 5 } });
    vi.advanceTimersByTime(6_000);
    expect(comm.sent.at(-1)).toMatchObject({ type: "hello", run: "r1", position: 2 });
  });

  test("reads views that are not aligned", () => {
    begin();
    const bytes = new Uint8Array(11);
    bytes.set(new Uint8Array(u4(4, 5)), 3);
    comm.tell(rows(0, 2), [new DataView(bytes.buffer, 3, 8), new DataView(u1(1, 2))]);
    expect([...(sink.rows.mock.calls[0]?.[0].rows ?? [])]).toEqual([4, 5]);
  });

  test("a gap makes it ask again and keeps the frame out", () => {
    begin();
    comm.tell(rows(4, 6), [u4(1, 3), u1(7, 2)]);
    expect(sink.rows).not.toHaveBeenCalled();
    moment();
    expect(comm.sent).toContainEqual(expect.objectContaining({ type: "hello", position: 0 }));
    expect(comm.kinds().filter((kind) => kind === "hello")).toHaveLength(2);
  });

  test("a frame that comes twice is taken twice and moves nothing back", () => {
    begin();
    comm.tell(rows(0, 2), [u4(1, 3), u1(7, 2)]);
    comm.tell(rows(2, 3, 2), [u4(4), u1(1)]);
    comm.tell(rows(0, 2), [u4(1, 3), u1(7, 2)]);
    comm.tell(rows(3, 4, 3), [u4(5), u1(1)]);
    expect(sink.rows).toHaveBeenCalledTimes(4);
    expect(comm.kinds().filter((kind) => kind === "hello")).toHaveLength(1);
  });

  test("rows of an older run are acknowledged and dropped", () => {
    begin();
    comm.tell({ ...rows(0, 2), run: "r0" }, [u4(1, 3), u1(7, 2)]);
    expect(sink.rows).not.toHaveBeenCalled();
    moment();
    expect(comm.sent.at(-1)).toMatchObject({ type: "ack" });
  });

  test("another page's messages are not ours", () => {
    comm.tell({ type: "schema", to: "somebody", schema: SCHEMA, state: STATE, selection: 0 });
    expect(sink.schema).not.toHaveBeenCalled();
  });

  test("a new run starts at nothing; the same run again is only its state", () => {
    begin();
    begin();
    expect(sink.schema).toHaveBeenCalledTimes(1);
    comm.tell({ type: "schema", schema: { ...SCHEMA, run: "r2" }, state: { ...STATE, run: "r2" }, selection: 0 });
    expect(sink.schema).toHaveBeenCalledTimes(2);
  });

  test("a column is asked for once, put together in order, and asked for again from where it broke", () => {
    begin();
    session.want("cell");
    session.want("cell");
    const piece = { type: "column", seq: 1, run: "r1", column: "cell", dtype: "u4", start: 0, count: 1, total: 2 };
    comm.tell(piece, [u4(0, 1), u1(65)]);
    comm.tell(piece, [u4(0, 1), u1(65)]);
    expect(sink.column).toHaveBeenCalledTimes(1);
    expect([...(sink.column.mock.calls[0]?.[0].bytes ?? [])]).toEqual([65]);
    vi.advanceTimersByTime(6_000);
    expect(comm.sent.at(-1)).toMatchObject({ type: "want", column: "cell", start: 1 });
    expect(comm.kinds().filter((kind) => kind === "want")).toHaveLength(2);
  });

  test("buffers as base64 text", () => {
    begin();
    comm.tell({ ...rows(0, 1), b64: ["AwAAAA==", "Bw=="] });
    expect([...(sink.rows.mock.calls[0]?.[0].rows ?? [])]).toEqual([3]);
  });

  test("a look-up resolves, is refused, or times out", async () => {
    begin();
    const first = session.inspect(1);
    comm.tell({ type: "reply", id: 1, value: { row: 1 } });
    await expect(first).resolves.toEqual({ row: 1 });
    const second = session.inspect(9);
    comm.tell({ type: "error", id: 2, message: "there are 8 cells" });
    await expect(second).rejects.toThrow("there are 8 cells");
    const third = session.inspect(2);
    vi.advanceTimersByTime(11_000);
    await expect(third).rejects.toThrow("did not answer");
  });

  describe("asking why", () => {
    const question = { of: "class", code: 1, row: null, method: "occlusion" } as const;
    const asked = () => comm.sent.find(({ type }) => type === "explain") as Extract<Sent, { type: "explain" }>;
    const patience = () => ({ giveUp: new AbortController(), progress: vi.fn() });

    test("waits as long as there is progress, and resolves", async () => {
      const { giveUp, progress } = patience();
      const answer = session.explain(question, { signal: giveUp.signal, progress });
      const { id } = asked();
      expect(asked()).toMatchObject(question);
      for (const share of [0.2, 0.4, 0.6]) {
        vi.advanceTimersByTime(50_000);
        comm.tell({ type: "progress", id, share });
      }
      expect(progress.mock.calls).toEqual([[0.2], [0.4], [0.6]]);
      comm.tell({ type: "reply", id, value: { of: "class", method: "occlusion", groups: [] } });
      await expect(answer).resolves.toEqual({ of: "class", method: "occlusion", groups: [] });
    });

    test("gives up where nothing is heard", async () => {
      const { giveUp, progress } = patience();
      const answer = session.explain(question, { signal: giveUp.signal, progress });
      vi.advanceTimersByTime(60_001);
      await expect(answer).rejects.toThrow("did not answer");
    });

    test("tells the kernel once nobody waits any more, and not of what is answered", async () => {
      const { giveUp, progress } = patience();
      const answer = session.explain(question, { signal: giveUp.signal, progress });
      giveUp.abort(new Error("nobody"));
      await expect(answer).rejects.toThrow("nobody");
      expect(comm.sent.at(-1)).toMatchObject({ type: "cancel", id: asked().id });
      const later = patience();
      const second = session.explain(question, { signal: later.giveUp.signal, progress });
      const id = (comm.sent.at(-1) as { id: number }).id;
      comm.tell({ type: "error", id, message: "another question took its place" });
      await expect(second).rejects.toThrow("took its place");
      later.giveUp.abort(new Error("nobody"));
      expect(comm.kinds().filter((kind) => kind === "cancel")).toHaveLength(1);
    });

    test("that a dropped question was dropped is nothing to tell anybody", async () => {
      const { giveUp, progress } = patience();
      const answer = session.explain(question, { signal: giveUp.signal, progress });
      giveUp.abort(new Error("nobody"));
      await expect(answer).rejects.toThrow("nobody");
      comm.tell({ type: "error", id: asked().id, message: "another question took its place" });
      expect(sink.problem).not.toHaveBeenCalled();
    });
  });

  test("a refused command is told in words", async () => {
    begin();
    session.command("resume");
    comm.tell({ type: "error", id: 1, message: "nothing to resume" });
    await vi.waitFor(() => expect(sink.problem).toHaveBeenCalled());
    expect(sink.problem.mock.calls[0]?.[0].detail).toBe("nothing to resume");
  });

  test("a threshold is told, and one that is refused is told in words", async () => {
    const told = session.threshold(0.4);
    expect(comm.sent.at(-1)).toMatchObject({ type: "threshold", value: 0.4 });
    comm.tell({ type: "reply", id: (comm.sent.at(-1) as { id: number }).id, value: null });
    await told;
    expect(sink.problem).not.toHaveBeenCalled();
    const refused = session.threshold(0.5);
    comm.tell({ type: "error", id: (comm.sent.at(-1) as { id: number }).id, message: "no" });
    await refused;
    expect(sink.problem).toHaveBeenCalledOnce();
  });

  test("a kernel that owes rows and is silent is lost too, however often it was asked", () => {
    begin();
    comm.tell({ type: "state", state: { ...STATE, log: 100 } });
    vi.advanceTimersByTime(25_000);
    expect(comm.kinds().filter((kind) => kind === "hello").length).toBeGreaterThan(2);
    expect(sink.connection).toHaveBeenCalledWith("lost");
  });

  test("where there is no kernel to send to, the page says so and throws nothing", async () => {
    begin();
    comm.send = () => {
      throw new Error("Cannot send");
    };
    await expect(session.inspect(1)).rejects.toThrow("there is no kernel");
    expect(sink.connection).toHaveBeenCalledWith("lost");
    expect(() => session.close()).not.toThrow();
  });

  test("a kernel that is silent while it runs is lost, and back when it speaks", () => {
    begin();
    vi.advanceTimersByTime(25_000);
    expect(sink.connection).toHaveBeenCalledWith("lost");
    comm.tell({ type: "state", state: STATE });
    expect(sink.connection).toHaveBeenLastCalledWith("live");
  });

  test("hostile headers change nothing", () => {
    begin();
    comm.tell({ type: "rows", seq: 1, run: "r1", from: 0, to_position: 2, columns: [{ id: "label", dtype: "u1" }] }, [
      u4(1),
    ]);
    comm.tell({ type: "__proto__" });
    comm.listener?.("nonsense", []);
    expect(sink.rows).not.toHaveBeenCalled();
  });

  test("small messages go together, each with its buffers; a command takes along what waits", () => {
    const send = vi.spyOn(comm, "send");
    begin();
    session.port.pull({ run: "r1", room: 9, leases: [], seen: 0, workers: 1, backend: "wasm" });
    const outputs = [{ name: "logits", width: 1, values: new Float32Array([1]) }];
    session.port.results({ run: "r1", lease: 3, outputs, failed: [] });
    comm.tell(rows(0, 2), [u4(1, 3), u1(7, 2)]);
    expect(send).not.toHaveBeenCalled();
    session.command("pause");
    expect(send).toHaveBeenCalledTimes(1);
    const [content, , buffers] = send.mock.calls[0] as unknown as [Many, unknown, ArrayBuffer[]];
    expect(content.messages.map(({ type, buffers }) => [type, buffers])).toEqual([
      ["pull", 0],
      ["results", 1],
      ["command", 0],
      ["ack", 0],
    ]);
    expect(buffers).toHaveLength(1);
  });

  test("what arrives in bulk is acknowledged at once", () => {
    begin();
    comm.tell({ ...rows(0, 500_000) }, [new ArrayBuffer(2_000_000), new ArrayBuffer(500_000)]);
    vi.advanceTimersByTime(1);
    expect(comm.sent.at(-1)).toMatchObject({ type: "ack", seq: 1 });
  });

  describe("serving an engine", () => {
    const reply = (value: unknown = null) => {
      const asked = comm.sent.filter((message) => "id" in message).at(-1);
      comm.tell({ type: "reply", id: (asked as { id: number }).id, value });
    };

    test("files come in pieces, and are asked for again from where they broke off or when another run began", async () => {
      const progress = vi.fn();
      const coming = session.port.asset("wasm", progress);
      const piece = (start: number, ...bytes: number[]) =>
        comm.tell(
          {
            type: "column",
            seq: 1,
            run: "r1",
            column: "asset:wasm",
            dtype: "u1",
            start,
            count: bytes.length,
            total: 4,
          },
          [u1(...bytes)],
        );
      comm.tell({ type: "schema", schema: SCHEMA, state: STATE, selection: 0 });
      piece(0, 1, 2);
      comm.tell({ type: "schema", schema: { ...SCHEMA, run: "r2" }, state: { ...STATE, run: "r2" }, selection: 0 });
      moment();
      expect(comm.sent.filter((message) => message.type === "want")).toHaveLength(3);
      comm.tell(
        { type: "column", seq: 2, run: "r2", column: "asset:wasm", dtype: "u1", start: 0, count: 4, total: 4 },
        [u1(5, 6, 7, 8)],
      );
      expect([...(await coming)]).toEqual([5, 6, 7, 8]);
      expect(progress.mock.calls).toEqual([[2], [4]]);
      expect(sink.column).not.toHaveBeenCalled();
    });

    test("a download ends with its session, and a lost piece is asked for in spite of signs of life", async () => {
      comm.tell({ type: "schema", schema: SCHEMA, state: STATE, selection: 0 });
      const coming = session.port.asset("model", () => {});
      moment();
      for (let seconds = 0; seconds < 8; seconds += 2) {
        vi.advanceTimersByTime(2_000);
        comm.tell({ type: "state", state: STATE });
      }
      moment();
      expect(comm.sent.filter((message) => message.type === "want").length).toBeGreaterThan(1);
      session.close();
      await expect(coming).rejects.toThrow("closed");
      await expect(session.port.asset("model", () => {})).rejects.toThrow("closed");
    });

    test("cells are unpacked, once the order of their genes is known", async () => {
      const take = vi.fn();
      session.port.serve(take);
      comm.tell({ type: "schema", schema: SCHEMA, state: STATE, selection: 0 });
      const header = { type: "cells", seq: 1, run: "r1", lease: 2, n: 2, counts: "nibbles", extras: ["total"] };
      const total = new Float32Array([5, 8]).buffer;
      const raw = [u4(0, 1, 3), u1(1, 0, 255), u4(), u1(4, 6), new Uint16Array(), total] as const;
      const whole = [raw[0], u1(1, 0, 1), ...raw.slice(2)] as ArrayBuffer[];
      comm.tell(header, whole);
      comm.tell(header, whole.slice(0, 5)); // not whole
      comm.tell({ ...header, lease: 3 }, raw as unknown as ArrayBuffer[]); // a gene that there is not
      moment();
      expect(comm.sent.at(-2)).toMatchObject({ type: "want", column: "asset:order", start: 0 });
      expect(take).not.toHaveBeenCalled();
      const order = [...new Uint8Array(u4(7, 3, 9))];
      comm.tell(
        { type: "column", seq: 2, run: "r1", column: "asset:order", dtype: "u1", start: 0, count: 12, total: 12 },
        [u1(...order)],
      );
      await vi.advanceTimersByTimeAsync(0);
      expect(take).toHaveBeenCalledTimes(1);
      expect(take).toHaveBeenCalledWith({
        run: "r1",
        lease: 2,
        indptr: new Uint32Array([0, 1, 3]),
        genes: new Uint16Array([3, 7, 9]),
        counts: new Uint8Array([5, 1, 7]),
        total: new Float32Array([5, 8]),
      });
      moment();
      expect(comm.kinds()).toContain("ack");
    });

    test("results are sent again until they are acknowledged", async () => {
      const outputs = [{ name: "logits", width: 2, values: new Float32Array([1, 2]) }];
      let settled = false;
      session.port.results({ run: "r1", lease: 3, outputs, failed: [] }).then(() => {
        settled = true;
      });
      const sent = () => comm.sent.filter((message) => message.type === "results");
      moment();
      expect(sent()[0]).toMatchObject({ lease: 3, outputs: [{ name: "logits", width: 2 }], failed: [], buffers: 1 });
      await vi.advanceTimersByTimeAsync(15_000);
      expect(sent()).toHaveLength(2);
      reply();
      await vi.advanceTimersByTimeAsync(0);
      expect(settled).toBe(true);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(sent()).toHaveLength(2);
    });

    test("results that are refused are not sent again", async () => {
      const settled = session.port.results({ run: "r1", lease: 3, outputs: [], failed: [] });
      moment();
      const id = (comm.sent.at(-1) as { id: number }).id;
      comm.tell({ type: "error", id, message: "not lent" });
      await expect(settled).rejects.toThrow("not lent");
    });

    test("where binary is slow, results go as text", () => {
      const text = new KernelSession(comm, "base64");
      text.listen(fakeSink());
      text.port.results({
        run: "r1",
        lease: 3,
        outputs: [{ name: "logits", width: 1, values: new Float32Array([1]) }],
        failed: [],
      });
      moment();
      expect(comm.sent.at(-1)).toMatchObject({ type: "results", b64: ["AACAPw=="], buffers: 0 });
      text.close();
    });
  });
});
