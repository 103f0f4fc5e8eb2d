/** Pieces and workers for tests. */
import type { Outcome, Piece, StageFile } from "./api";
import type { FromWorker, Port, ToWorker } from "./messages";
import { cellsOf } from "./pieces";

/** A piece of cells, each a list of [gene, count]. */
export function pieceOf(cells: [number, number][][], more: Partial<Piece> = {}): Piece {
  const indptr = new Uint32Array(cells.length + 1);
  cells.forEach((cell, at) => {
    indptr[at + 1] = indptr[at]! + cell.length;
  });
  const flat = cells.flat();
  return {
    indptr,
    genes: Uint16Array.from(flat, ([gene]) => gene),
    counts: Uint8Array.from(flat, ([, count]) => count),
    ...more,
  };
}

/** Cells that are told apart by the count of their one gene. */
export const marked = (...marks: number[]): Piece => pieceOf(marks.map((mark) => [[0, mark]]));

/** The one graph of a model, of so many bytes. */
export const stageOf = (graph: Uint8Array): StageFile => ({
  graph,
  inputs: { genes: "genes", counts: "counts" },
  outputs: { logits: "logits" },
});

/** What `FakePort` makes of marked cells: the mark is the output. */
export function outcomeOf(piece: Piece, ms = 1): Outcome {
  return { outputs: [{ name: "logits", width: 1, values: Float32Array.from(piece.counts) }], failed: [], ms };
}

/** What a fake worker does with a piece. */
export type Act = (piece: Piece, port: FakePort) => FromWorker["type"] | "dies" | "stalls" | { ms: number };

/** A worker that does as it is told, each time after a macrotask. */
export class FakePort implements Port {
  readonly posted: ToWorker[] = [];
  terminated = false;
  onMessage: (message: FromWorker) => void = () => {};
  onDeath: (reason: string) => void = () => {};
  readonly #act: Act;
  #last = Promise.resolve();

  constructor(
    act: Act = () => "done",
    readonly threaded = true,
  ) {
    this.#act = act;
  }

  post(message: ToWorker): void {
    this.posted.push(message);
    this.#last = this.#last.then(() => new Promise((resolve) => setTimeout(resolve))).then(() => this.#answer(message));
  }

  terminate(): void {
    this.terminated = true;
  }

  /** Cells of the pieces that were posted. */
  get sizes(): number[] {
    return this.posted.flatMap((message) => (message.type === "run" ? cellsOf(message.piece) : []));
  }

  #answer(message: ToWorker): void {
    if (this.terminated) return;
    if (message.type === "load") this.onMessage({ type: "loaded", key: message.key });
    if (message.type !== "run") return;
    const { id, piece } = message;
    const told = this.#act(piece, this);
    if (told === "dies") this.onDeath("it died");
    else if (told === "failed") this.onMessage({ type: "failed", id, reason: "it failed" });
    else if (told === "broken") this.onMessage({ type: "broken", reason: "it broke" });
    else if (told !== "stalls") {
      this.onMessage({ type: "done", id, outcome: outcomeOf(piece, typeof told === "object" ? told.ms : 1) });
    }
  }
}
