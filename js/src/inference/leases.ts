/** Cells that the page holds: cut into pieces to run, and put together again when all of a lease's are done. */
import type { Lease, LeaseResult } from "../session/session";
import type { Outcome, Output, Piece } from "./api";

interface Part {
  begin: number;
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

const cellsOf = (lease: Lease) => lease.indptr.length - 1;

export class Leases {
  readonly #works = new Map<number, Work>();
  /** The highest lease that ever came. */
  seen = 0;

  get held(): number[] {
    return [...this.#works.keys()];
  }

  /** Mean bytes of a cell. */
  get cellBytes(): number {
    const works = [...this.#works.values()];
    const bytes = works.reduce((sum, { lease }) => sum + lease.genes.byteLength + lease.counts.byteLength, 0);
    return (
      bytes /
      Math.max(
        1,
        works.reduce((sum, { lease }) => sum + cellsOf(lease), 0),
      )
    );
  }

  add(lease: Lease): void {
    this.seen = Math.max(this.seen, lease.lease);
    if (!this.#works.has(lease.lease)) this.#works.set(lease.lease, { lease, cut: 0, parts: [] });
  }

  /** The other side has its results. */
  settle(lease: number): void {
    this.#works.delete(lease);
  }

  clear(): void {
    this.#works.clear();
  }

  /** The next cells to run, at most `size`; null when all are under way. */
  next(size: number): Cut | null {
    for (const work of this.#works.values()) {
      const begin = work.cut;
      const end = Math.min(begin + size, cellsOf(work.lease));
      if (begin === end) continue;
      work.cut = end;
      const part: Part = { begin, outcome: null };
      work.parts.push(part);
      const done = (outcome: Outcome) => {
        part.outcome = outcome;
        const over = work.cut === cellsOf(work.lease) && work.parts.every((each) => each.outcome);
        return over && this.#works.get(work.lease.lease) === work ? together(work) : null;
      };
      return { piece: slice(work.lease, begin, end), cells: end - begin, done };
    }
    return null;
  }
}

/** Cells `begin` to `end`, in arrays of their own, which may be transferred. */
function slice(lease: Lease, begin: number, end: number): Piece {
  const { indptr, genes, counts, total, uniform, batch } = lease;
  const [from, to] = [indptr[begin] as number, indptr[end] as number];
  const drawn = uniform ? uniform.length / cellsOf(lease) : 0;
  return {
    indptr: indptr.slice(begin, end + 1).map((at) => at - from),
    genes: genes.slice(from, to),
    counts: counts.slice(from, to),
    ...(total && { total: total.slice(begin, end) }),
    ...(uniform && { uniform: uniform.slice(begin * drawn, end * drawn) }),
    ...(batch && { batch: batch.slice(begin, end) }),
  };
}

function together({ lease, parts }: Work): LeaseResult {
  const outcomes = parts.map(({ begin, outcome }) => ({ begin, outcome: outcome as Outcome }));
  const failed = outcomes.flatMap(({ begin, outcome }) =>
    outcome.failed.map(([at, why]): [number, string] => [begin + at, why]),
  );
  // Of pieces whose cells all failed there may be no output at all.
  const specs = new Map<string, number>();
  for (const { outcome } of outcomes) for (const { name, width } of outcome.outputs) specs.set(name, width);
  const outputs = [...specs].map(([name, width]) => {
    const pieces = outcomes.flatMap(({ outcome }) => outcome.outputs.filter((output) => output.name === name));
    return { name, width, values: joined(pieces) };
  });
  return { run: lease.run, lease: lease.lease, outputs, failed };
}

function joined(pieces: Output[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of pieces) {
    whole.set(values, at);
    at += values.length;
  }
  return whole;
}
