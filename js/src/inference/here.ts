/** A "worker" on the page's own thread: pieces are cut so small that the page stays responsive between them. */
import { EngineError, type Outcome, type Piece } from "./api";
import type { FromWorker, Port, ToWorker } from "./messages";
import { cellsOf, cut, together } from "./pieces";
import type { Serve } from "./worker";

/** Milliseconds that a part may hold the page up. */
const LONGEST = 30;

/** Rejects with `EngineError` where the page's policy forbids that too. */
export async function herePort(text: string): Promise<Port> {
  const url = URL.createObjectURL(
    new Blob([text, "\nexport const serve = worker.serve;"], { type: "text/javascript" }),
  );
  try {
    const { serve } = (await import(/* @vite-ignore */ url)) as { serve: Serve };
    return new Here(serve);
  } catch {
    throw new EngineError(
      "This page forbids running models",
      "Its security policy allows neither workers nor scripts that are made on the page.",
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** How many cells to run at once: from one, as many as stay short. */
export class Slices {
  size = 1;

  measured(cells: number, ms: number): void {
    if (ms > LONGEST) this.size = Math.max(1, Math.floor(this.size / 2));
    else if (cells === this.size && ms < LONGEST / 3) this.size *= 2;
  }
}

class Here implements Port {
  readonly threaded = false;
  readonly #send: (message: ToWorker) => void;
  readonly #slices = new Slices();
  readonly #answers = new Map<number, (message: FromWorker) => void>();
  #parts = 0;
  #last: Promise<void> = Promise.resolve();
  #closed = false;
  onMessage: (message: FromWorker) => void = () => {};
  onDeath: (reason: string) => void = () => {};

  constructor(serve: Serve) {
    this.#send = serve((message) => this.#receive(message));
  }

  post(message: ToWorker): void {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return;
      if (message.type === "run") this.onMessage(await this.#run(message.id, message.key, message.piece));
      else this.#send(message);
    });
  }

  terminate(): void {
    this.#closed = true;
    this.onMessage = this.onDeath = () => {};
  }

  async #run(id: number, key: string, piece: Piece): Promise<FromWorker> {
    const parts: { cells: number; outcome: Outcome }[] = [];
    const all = cellsOf(piece);
    for (let begin = 0; begin < all && !this.#closed; ) {
      const end = Math.min(all, begin + this.#slices.size);
      await macrotask();
      const answer = await this.#part(key, cut(piece, begin, end));
      if (answer.type !== "done") return answer.type === "failed" ? { ...answer, id } : answer;
      this.#slices.measured(end - begin, answer.outcome.ms);
      parts.push({ cells: end - begin, outcome: answer.outcome });
      begin = end;
    }
    return { type: "done", id, outcome: together(parts) };
  }

  #part(key: string, piece: Piece): Promise<FromWorker> {
    const id = ++this.#parts;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#send({ type: "run", id, key, piece });
    });
  }

  #receive(message: FromWorker): void {
    if (message.type === "done" || message.type === "failed") {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
      return;
    }
    if (message.type === "broken") {
      for (const answer of this.#answers.values()) answer(message);
      this.#answers.clear();
    }
    this.onMessage(message);
  }
}

/** Lets the page draw and listen; timers would wait for 4 ms. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
