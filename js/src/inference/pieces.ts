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

/** Attention is as wide as each part needs: the narrower are padded with 0. */
function stacked(name: string, pieces: Output[]): Output {
  const width = Math.max(0, ...pieces.map((piece) => piece.width));
  const rows = pieces.reduce((sum, piece) => sum + rowsOf(piece), 0);
  const Kind = pieces[0]?.values instanceof Int32Array ? Int32Array : Float32Array;
  const values = new Kind(rows * width);
  let row = 0;
  for (const piece of pieces) {
    const its = rowsOf(piece);
    if (piece.width === width) values.set(piece.values, row * width);
    else
      for (let at = 0; at < its; at++)
        values.set(piece.values.subarray(at * piece.width, (at + 1) * piece.width), (row + at) * width);
    row += its;
  }
  return { name, width, values };
}

const rowsOf = ({ width, values }: Output): number => (width > 0 ? values.length / width : 0);
