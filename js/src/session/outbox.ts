/**
 * Messages to the kernel, gathered for a moment: each one that arrives makes the kernel busy and idle, which the host shows,
 * and that costs more than the message.
 */
import type { ToKernel } from "../protocol";
import type { Raw } from "./wire";

export type Body<T> = T extends ToKernel ? Omit<T, "page"> : never;

export interface Sends {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

/** Milliseconds that messages wait for others; and acknowledgements, unless so many bytes arrived. */
const SOON = 20;
const ACK_AFTER = 100;
const ACK_BYTES = 1.5e6;
/** Bytes that go at once, whatever would come after: servers refuse messages of 10 MB. */
const HEAVY = 1e6;

export class Outbox {
  readonly #comm: Sends;
  readonly #page: string;
  #waiting: { body: Body<ToKernel>; buffers: ArrayBuffer[] }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Number.POSITIVE_INFINITY;
  #arrived: number | null = null;
  #bytes = 0;
  #outgoing = 0;

  constructor(comm: Sends, page: string) {
    this.#comm = comm;
    this.#page = page;
  }

  /** Send a message: at once with all that waits, or soon. Returns false where there is no kernel to send to. */
  put(body: Body<ToKernel>, buffers: ArrayBuffer[], patient: boolean): boolean {
    this.#waiting.push({ body, buffers });
    this.#outgoing += sizeOf(body, buffers);
    if (!patient || this.#outgoing >= HEAVY) return this.#flush();
    this.#within(SOON);
    return true;
  }

  /** A frame arrived, and all before it: that is acknowledged with the next message. */
  arrived(seq: number, raw: Raw[]): void {
    this.#arrived = seq;
    this.#bytes += raw.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#within(this.#bytes >= ACK_BYTES ? 0 : ACK_AFTER);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #within(ms: number): void {
    const due = performance.now() + ms;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#flush(), ms);
  }

  #flush(): boolean {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#arrived !== null) this.#waiting.push({ body: { type: "ack", seq: this.#arrived }, buffers: [] });
    const waiting = this.#waiting.splice(0);
    this.#arrived = null;
    this.#bytes = 0;
    this.#outgoing = 0;
    const [only, ...others] = waiting;
    if (!only) return true;
    const buffers = waiting.flatMap((each) => each.buffers);
    const messages = waiting.map((each) => ({ ...each.body, buffers: each.buffers.length }));
    const content = others.length > 0 ? { type: "many", messages } : only.body;
    try {
      // A host throws where the kernel was shut down.
      this.#comm.send({ ...content, page: this.#page }, undefined, buffers);
      return true;
    } catch {
      return false;
    }
  }
}

function sizeOf(body: Body<ToKernel>, buffers: ArrayBuffer[]): number {
  const texts = (body.type === "results" && body.b64) || [];
  return (
    buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) + texts.reduce((sum, { length }) => sum + length, 0)
  );
}
