/** Pieces cut, and what came of the parts put together. */
import type { Outcome, Output, Piece } from "./api";

export const cellsOf = (piece: Piece): number => piece.indptr.length - 1;

/** Cells `begin` to `end` of a piece. */
export function cut(piece: Piece, begin: number, end: number): Piece {
  const { indptr, genes, counts, total, uniform, batch, atOnce } = piece;
  const from = indptr[begin] ?? 0;
  const to = indptr[end] ?? from;
  const drawn = uniform ? uniform.length / Math.max(1, cellsOf(piece)) : 0;
  return {
    indptr: indptr.slice(begin, end + 1).map((at) => at - from),
    genes: genes.slice(from, to),
    counts: counts.slice(from, to),
    ...(total && { total: total.slice(begin, end) }),
    ...(uniform && { uniform: uniform.slice(begin * drawn, end * drawn) }),
    ...(batch && { batch: batch.slice(begin, end) }),
    ...(atOnce && { atOnce }),
  };
}

/** One outcome of the outcomes of parts, each of so many cells, in order. */
export function together(parts: { cells: number; outcome: Outcome }[]): Outcome {
  const failed: [number, string][] = [];
  const outputs = new Map<string, Output[]>();
  let before = 0;
  let ms = 0;
  for (const { cells, outcome } of parts) {
    for (const [at, reason] of outcome.failed) failed.push([before + at, reason]);
    for (const output of outcome.outputs) outputs.set(output.name, [...(outputs.get(output.name) ?? []), output]);
    before += cells;
    ms += outcome.ms;
  }
  return { outputs: [...outputs].map(([name, pieces]) => stacked(name, pieces)), failed, ms };
}

function stacked(name: string, pieces: Output[]): Output {
  const values = new Float32Array(pieces.reduce((sum, piece) => sum + piece.values.length, 0));
  let at = 0;
  for (const piece of pieces) {
    values.set(piece.values, at);
    at += piece.values.length;
  }
  return { name, width: pieces[0]?.width ?? 0, values };
}
