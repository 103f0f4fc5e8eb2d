/** The page's side of the view: one worker for all widgets of the page, or the main thread where workers are forbidden. */
import workerText from "virtual:view-worker";
import type { DataEvents, FromView, Pointed, TableSlice, ToView, ViewData } from "./api";
import { ViewEngine } from "./engine";
import { type Link, makeData } from "./handle";

interface Shared {
  users: number;
  link: Connection;
}

/** Milliseconds in which a worker must have said its first word. */
const PATIENCE = 4_000;

/** Messages to the engine wherever it runs; those sent before it is known where wait. */
class Connection implements Link {
  #engine: ViewEngine | null = null;
  #worker: Worker | null = null;
  #late: ReturnType<typeof setTimeout> | undefined;
  #queue: { message: ToView; transfer: Transferable[] }[] | null = [];
  readonly #data = new Map<string, DataEvents>();
  readonly #frames = new Map<string, (frame: Extract<FromView, { type: "frame" }>) => void>();
  readonly #answers = new Map<number, (answer: unknown) => void>();
  #requests = 0;

  constructor() {
    try {
      this.#start();
    } catch {
      this.#serveHere();
    }
  }

  listen(data: string, events: DataEvents | null): void {
    if (events) this.#data.set(data, events);
    else this.#data.delete(data);
  }

  watch(view: string, onFrame: ((frame: Extract<FromView, { type: "frame" }>) => void) | null): void {
    if (onFrame) this.#frames.set(view, onFrame);
    else this.#frames.delete(view);
  }

  send(message: ToView, transfer: Transferable[] = []): void {
    if (this.#queue) this.#queue.push({ message, transfer });
    else if (this.#worker) this.#worker.postMessage(message, transfer);
    else this.#engine?.handle(message);
  }

  ask<T>(make: (req: number) => ToView): Promise<T> {
    const req = ++this.#requests;
    return new Promise((resolve) => {
      this.#answers.set(req, resolve as (answer: unknown) => void);
      this.send(make(req));
    });
  }

  close(): void {
    clearTimeout(this.#late);
    this.#worker?.terminate();
    this.#worker = null;
    this.#engine = null;
    this.#queue = null;
  }

  #start(): void {
    const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.#worker = worker;
    this.#late = setTimeout(() => this.#serveHere(), PATIENCE);
    // Before its first word: a policy forbids it. After that an error is the engine's own, and the browser logs it.
    worker.onerror = () => {
      if (this.#queue) this.#serveHere();
    };
    worker.onmessage = ({ data }: MessageEvent<FromView | { type: "ready" }>) => {
      if (data.type !== "ready") return this.#receive(data);
      clearTimeout(this.#late);
      this.#flush();
    };
  }

  #serveHere(): void {
    clearTimeout(this.#late);
    this.#worker?.terminate();
    this.#worker = null;
    this.#engine = new ViewEngine((message) => queueMicrotask(() => this.#receive(message)));
    this.#flush();
  }

  #flush(): void {
    const waiting = this.#queue ?? [];
    this.#queue = null;
    for (const { message, transfer } of waiting) this.send(message, transfer);
  }

  #receive(message: FromView): void {
    switch (message.type) {
      case "frame": {
        const show = this.#frames.get(message.view);
        return show ? show(message) : message.bitmap.close();
      }
      case "gl":
        for (const events of this.#data.values()) events.gl(message.state);
        return;
      case "extent":
        return this.#data.get(message.data)?.extent(message.extent);
      case "counts":
        return this.#data.get(message.data)?.counts(message.counts);
      case "selected":
        return this.#data.get(message.data)?.selected(message.bits, message.count);
      case "table-changed":
        return this.#data.get(message.data)?.tableChanged(message.total);
      case "pointed":
        return this.#answer<Pointed | null>(message.req, message.pointed);
      case "table":
        return this.#answer<TableSlice>(message.req, message.slice);
      case "located":
        return this.#answer<number>(message.req, message.position);
    }
  }

  #answer<T>(req: number, value: T): void {
    this.#answers.get(req)?.(value);
    this.#answers.delete(req);
  }
}

/** Every widget evaluates this module anew, so what they share hangs on the page under the build's hash. */
const KEY = Symbol.for(`cellwidget.view.${__BUILD__}`);
const page = globalThis as unknown as Record<symbol, Shared | undefined>;

function release(): void {
  const shared = page[KEY];
  if (!shared || --shared.users > 0) return;
  shared.link.close();
  page[KEY] = undefined;
}

/** Take part in the page's view; it goes away with the last widget's data. */
export function connectView(): { data(id: string): ViewData } {
  return {
    data(id) {
      page[KEY] ??= { users: 0, link: new Connection() };
      page[KEY].users++;
      return makeData(page[KEY].link, id, release);
    },
  };
}
