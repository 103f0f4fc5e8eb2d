import {
  type Answer,
  type CellDetail,
  type Command,
  type Explanation,
  type FromKernel,
  PROTOCOL,
  type RunState,
  type Schema,
  type ToKernel,
  type Transport,
  type WhyQuestion,
} from "../protocol";
import { type Body, Outbox } from "./outbox";
import { parseFromKernel } from "./parse";
import { ASSET, KernelPort, type Question, Refused } from "./port";
import type { Capabilities, Session, Sink } from "./session";
import { decode, fromBase64, type Raw } from "./wire";

/** The part of a widget model that carries messages. */
export interface Comm {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: "msg:custom", listener: (content: unknown, buffers: Raw[]) => void): void;
  off(event: "msg:custom", listener: (content: unknown, buffers: Raw[]) => void): void;
}

/** Milliseconds. Something is owed and nothing came: ask again; the kernel is silent while it should not be: say so. */
const ASK_AGAIN = 4_000;
const LOST = 20_000;
const ANSWER = 10_000;
/** The same where finding the answer takes long; each sign of progress begins it anew. */
const FOUND = 60_000;
/** What may wait for a moment, to go together with others. */
const PATIENT: ReadonlySet<ToKernel["type"]> = new Set(["pull", "results", "want"]);

interface Pending {
  resolve(value: Answer): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
  /** Begins the wait anew. */
  progress?(share: number): void;
}

interface Patience {
  signal: AbortSignal;
  progress(share: number): void;
}

/** Columns that a kernel holds. Knows what of them arrived, and asks again for what did not. */
export class KernelSession implements Session {
  readonly can: Capabilities = { run: true, inspect: true, engines: ["kernel", "browser"] };
  readonly port: KernelPort;

  readonly #comm: Comm;
  readonly #outbox: Outbox;
  readonly #page = pageId();
  readonly #transport: Transport;
  #sink: Sink | null = null;
  #run: string | null = null;
  #position = 0;
  #state: RunState | null = null;
  /** Columns asked for: the row up to which they came, and how many there are (-1: not known yet). */
  readonly #columns = new Map<string, { next: number; total: number }>();
  readonly #pending = new Map<number, Pending>();
  /** Questions that nobody asks any more, and that the kernel has not answered yet. */
  readonly #dropped = new Set<number>();
  #lastId = 0;
  #heard = 0;
  #asked = 0;
  /** When something that is owed came last. */
  #progress = 0;
  #lost = false;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(comm: Comm, transport: Transport = defaultTransport()) {
    this.#comm = comm;
    this.#outbox = new Outbox(comm, this.#page);
    this.#transport = transport;
    this.port = new KernelPort({
      transport,
      send: (body) => this.#send(body),
      ask: (body, buffers) => this.#ask(body, buffers),
      want: (column) => this.#again(column),
    });
  }

  listen(sink: Sink): () => void {
    this.#sink = sink;
    this.#comm.on("msg:custom", this.#receive);
    this.#heard = performance.now();
    this.#watch = setInterval(this.#look, 1_000);
    this.#hello();
    return () => this.#stop();
  }

  command(name: Command): void {
    this.#ask({ type: "command", name }).catch((error: Error) => this.#refused(`Could not ${name}`, error));
  }

  want(column: string): void {
    if (!this.#columns.has(column)) this.#again(column);
  }

  #again(column: string): void {
    this.#columns.set(column, { next: 0, total: -1 });
    this.#send({ type: "want", column, start: 0 });
  }

  select(bits: Uint8Array, count: number): void {
    const buffer = bits.slice().buffer;
    this.#ask({ type: "select", count }, [buffer]).catch((error: Error) =>
      this.#refused("The kernel did not take the selection", error),
    );
  }

  async threshold(value: number): Promise<void> {
    await this.#ask({ type: "threshold", value }).catch((error: Error) =>
      this.#refused("The kernel did not take the threshold", error),
    );
  }

  async inspect(row: number): Promise<CellDetail> {
    const detail = await this.#ask({ type: "inspect", row });
    if (!detail) throw new Error("no answer");
    return detail as CellDetail;
  }

  async explain(question: WhyQuestion, patience: Patience): Promise<Explanation> {
    return (await this.#ask({ type: "explain", ...question }, [], patience)) as Explanation;
  }

  close(): void {
    this.#send({ type: "bye" });
    this.#stop();
  }

  #stop(): void {
    this.port.close();
    clearInterval(this.#watch);
    this.#outbox.close();
    this.#comm.off("msg:custom", this.#receive);
    for (const pending of this.#pending.values()) clearTimeout(pending.timer);
    this.#pending.clear();
    this.#sink = null;
  }

  /** Returns whether there was a kernel to send to, as far as is known. */
  #send(body: Body<ToKernel>, buffers: ArrayBuffer[] = []): boolean {
    const sent = this.#outbox.put(body, buffers, PATIENT.has(body.type));
    if (!sent) this.#connection(true);
    return sent;
  }

  #hello(): void {
    this.#asked = performance.now();
    this.#send({
      type: "hello",
      protocol: PROTOCOL,
      transport: this.#transport,
      run: this.#run,
      position: this.#position,
    });
    for (const [column, { next, total }] of this.#columns)
      if (next !== total) this.#send({ type: "want", column, start: next });
  }

  #ask(
    body: Question | { type: "select"; count: number } | { type: "threshold"; value: number },
    buffers: ArrayBuffer[] = [],
    patience?: Patience,
  ) {
    const id = ++this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      const give = () => this.#settle(id)?.reject(new Error("the kernel did not answer"));
      const pending: Pending = { resolve, reject, timer: setTimeout(give, patience ? FOUND : ANSWER) };
      this.#pending.set(id, pending);
      if (patience) this.#wait(id, pending, patience, give);
      if (!this.#send({ ...body, id } as Body<ToKernel>, buffers))
        this.#settle(id)?.reject(new Error("there is no kernel"));
    });
  }

  #wait(id: number, pending: Pending, { signal, progress }: Patience, give: () => void): void {
    pending.progress = (share) => {
      clearTimeout(pending.timer);
      pending.timer = setTimeout(give, FOUND);
      progress(share);
    };
    signal.addEventListener("abort", () => {
      if (!this.#settle(id)) return;
      this.#dropped.add(id);
      this.#send({ type: "cancel", id });
      pending.reject(signal.reason);
    });
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) clearTimeout(pending.timer);
    this.#pending.delete(id);
    return pending;
  }

  #refused(title: string, error: Error): void {
    this.#sink?.problem({ title, detail: error.message, remedy: "The cells done so far are kept." });
  }

  /** Looks now and then whether something owed has not come. */
  readonly #look = (): void => {
    const now = performance.now();
    const silent = now - this.#heard;
    // A run's signs of life are no answer to what is owed.
    const stuck = now - Math.max(this.#asked, this.#progress);
    const running = this.#state?.status === "running";
    const owed =
      !this.#state || this.#state.log > this.#position || [...this.#columns.values()].some((c) => c.next !== c.total);
    if (running && silent > LOST) this.#connection(true);
    if (owed && !this.#lost && stuck > ASK_AGAIN) this.#hello();
  };

  #connection(lost: boolean): void {
    if (lost === this.#lost) return;
    this.#lost = lost;
    this.#sink?.connection(lost ? "lost" : "live");
  }

  readonly #receive = (content: unknown, buffers: Raw[]): void => {
    const message = parseFromKernel(content);
    if (!message || (message.to !== null && message.to !== this.#page)) return;
    this.#heard = performance.now();
    this.#connection(false);
    const texts = (content as { b64?: unknown }).b64;
    const raw = Array.isArray(texts) ? fromBase64(texts as string[]) : (buffers ?? []);
    if ("seq" in message) this.#outbox.arrived(message.seq, raw);
    this.#take(message, raw);
  };

  #take(message: FromKernel, raw: Raw[]): void {
    switch (message.type) {
      case "schema":
        return this.#schema(message.schema, message.state);
      case "state":
        if (message.state.run !== this.#run) return;
        this.#state = message.state;
        return this.#sink?.state(message.state);
      case "rows":
        return this.#rows(message, raw);
      case "column":
        return this.#column(message, raw);
      case "cells":
        return this.port.cells(message, raw);
      case "selection":
        if (message.page !== this.#page && raw[0])
          this.#sink?.selection(decode(raw[0], "u1") as Uint8Array, message.count);
        return;
      case "reply":
        this.#dropped.delete(message.id);
        return this.#settle(message.id)?.resolve(message.value);
      case "progress":
        return this.#pending.get(message.id)?.progress?.(message.share);
      case "error":
        return this.#error(message.id, message.message);
    }
  }

  #schema(schema: Schema, state: RunState): void {
    this.#state = state;
    if (schema.run === this.#run) return this.#sink?.state(state);
    this.#run = schema.run;
    this.#position = 0;
    this.#columns.clear();
    this.port.restart();
    this.#sink?.schema(schema, state);
  }

  #rows(message: Extract<FromKernel, { type: "rows" }>, raw: Raw[]): void {
    if (message.run !== this.#run) return;
    if (message.from > this.#position) return this.#hello();
    const [first, ...rest] = raw;
    if (!first || rest.length !== message.columns.length) return;
    const columns = message.columns.map(({ id, dtype }, i) => ({ id, values: decode(rest[i] as Raw, dtype) }));
    this.#position = Math.max(this.#position, message.to_position);
    this.#progress = this.#heard;
    this.#sink?.rows({ run: message.run, rows: decode(first, "u4") as Uint32Array, columns });
  }

  #column(message: Extract<FromKernel, { type: "column" }>, raw: Raw[]): void {
    const held = this.#columns.get(message.column);
    if (message.run !== this.#run || !held || message.start !== held.next || !raw[0]) return;
    held.next = message.start + message.count;
    this.#progress = this.#heard;
    held.total = message.total;
    const { column, start, count, total, dtype } = message;
    const values = decode(raw[0], dtype);
    if (column.startsWith(ASSET)) return this.port.piece(column, values as Uint8Array, start, total);
    const second = raw[1];
    const extra = !second
      ? {}
      : column === "reference"
        ? { labels: decode(second, "u2") as Uint16Array }
        : { bytes: decode(second, "u1") as Uint8Array };
    this.#sink?.column({ column, start, count, total, values, ...extra });
  }

  #error(id: number | null, why: string): void {
    if (id !== null && this.#dropped.delete(id)) return;
    const pending = id === null ? undefined : this.#settle(id);
    if (pending) pending.reject(new Refused(why));
    else if (why === "say hello first") this.#hello();
    else this.#refused("The kernel refused a message", new Error(why));
  }
}

/** Not `randomUUID`: a notebook server reached over plain http is no secure context. */
function pageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function defaultTransport(): Transport {
  return "vscIPyWidgets" in globalThis ? "base64" : "binary";
}
