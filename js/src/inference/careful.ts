/** Runs pieces so that one bad cell fails alone; `src/cellwidget/engines/careful.py` does the same in the kernel. */
import { EngineError, type Outcome, type Piece } from "./api";
import { cellsOf, cut, together } from "./pieces";

const LONGEST_REASON = 200;

/** A piece that failed, whatever the cause: a smaller one may go through. */
export class PieceFailed extends Error {}

export class Careful {
  readonly #run: (piece: Piece) => Promise<Outcome>;
  #good: Piece | null = null;

  /** `run` rejects with `PieceFailed` where halves are worth a try, and with anything else where nothing is. */
  constructor(run: (piece: Piece) => Promise<Outcome>) {
    this.#run = run;
  }

  /** Rejects with `EngineError` if the engine does not work (any more), or has not worked yet and fails for all cells. */
  async run(piece: Piece): Promise<Outcome> {
    if (cellsOf(piece) === 0) return { outputs: [], failed: [], ms: 0 };
    const reasons: string[] = [];
    const outcome = await this.#parts(piece, reasons);
    if (reasons.length > 0 && !this.#good) throw broken(reasons[0] ?? "");
    return outcome;
  }

  async #parts(piece: Piece, reasons: string[]): Promise<Outcome> {
    try {
      const outcome = await this.#run(piece);
      this.#good ??= cut(piece, 0, 1);
      return outcome;
    } catch (error) {
      if (!(error instanceof PieceFailed)) throw error;
      return cellsOf(piece) === 1 ? this.#blame(error, reasons) : this.#halves(piece, reasons);
    }
  }

  async #halves(piece: Piece, reasons: string[]): Promise<Outcome> {
    const cells = cellsOf(piece);
    const middle = Math.floor(cells / 2);
    const halves = [cut(piece, 0, middle), cut(piece, middle, cells)];
    const outcomes = await Promise.all(halves.map((half) => this.#parts(half, reasons)));
    return together(outcomes.map((outcome, at) => ({ cells: cellsOf(halves[at]!), outcome })));
  }

  /** A cell is to blame only if the engine still works: one that went through before is run again to see that. */
  async #blame(error: PieceFailed, reasons: string[]): Promise<Outcome> {
    if (this.#good) {
      await this.#run(this.#good).catch((again) => {
        throw again instanceof PieceFailed ? broken(again.message) : again;
      });
    }
    reasons.push(error.message);
    return { outputs: [], failed: [[0, `the model failed: ${short(error.message)}`]], ms: 0 };
  }
}

const broken = (reason: string) => new EngineError("The model does not run here", short(reason));

const short = (reason: string) =>
  reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON - 1)}…`;
