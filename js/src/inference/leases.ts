/** Cells that the page holds: cut into pieces to run, and put together again when all of a lease's are done. */
import type { Lease, LeaseResult } from "../session/session";
import type { Outcome, Piece } from "./api";
import { summed } from "./attention";
import { cellsOf, cut, together } from "./pieces";

interface Part {
  cells: number;
  outcome: Outcome | null;
}

interface Work {
  lease: Lease;
  /** Cells that were cut so far. */
  cut: number;
  parts: Part[];
}

export interface Cut {
  piece: Piece;
  cells: number;
  /** Take in what came of it; gives the lease's result once it was the last. */
  done(outcome: Outcome): LeaseResult | null;
}

export class Leases {
  readonly #works = new Map<number, Work>();
  /** The highest lease of this run that ever came. */
  seen = 0;

  get held(): number[] {
    return [...this.#works.keys()];
  }

  /** Mean bytes of a cell. */
  get cellBytes(): number {
    let [bytes, cells] = [0, 0];
    for (const { lease } of this.#works.values()) {
      bytes += lease.genes.byteLength + lease.counts.byteLength;
      cells += cellsOf(lease);
    }
    return bytes / Math.max(1, cells);
  }

  add(lease: Lease): void {
    this.pass(lease);
    if (!this.#works.has(lease.lease)) this.#works.set(lease.lease, { lease, cut: 0, parts: [] });
  }

  /** A lease came that is not run here: the other side hears that it may lend it again. */
  pass(lease: Lease): void {
    this.seen = Math.max(this.seen, lease.lease);
  }

  /** The other side has its results. */
  settle(lease: number): void {
    this.#works.delete(lease);
  }

  clear(): void {
    this.#works.clear();
  }

  /** Another run began, whose leases are numbered anew. */
  restart(): void {
    this.clear();
    this.seen = 0;
  }

  /** The next cells to run, at most `size`; null when all are under way. */
  next(size: number): Cut | null {
    for (const work of this.#works.values()) {
      const begin = work.cut;
      const end = Math.min(begin + size, cellsOf(work.lease));
      if (begin === end) continue;
      work.cut = end;
      const part: Part = { cells: end - begin, outcome: null };
      work.parts.push(part);
      const done = (outcome: Outcome) => {
        part.outcome = outcome;
        const over = work.cut === cellsOf(work.lease) && work.parts.every((each) => each.outcome);
        return over && this.#works.get(work.lease.lease) === work ? resultOf(work) : null;
      };
      return { piece: cut(work.lease, begin, end), cells: end - begin, done };
    }
    return null;
  }
}

function resultOf({ lease: { run, lease }, parts }: Work): LeaseResult {
  const { outputs, failed } = together(parts.map(({ cells, outcome }) => ({ cells, outcome: outcome as Outcome })));
  return { run, lease, outputs: summed(outputs), failed };
}
