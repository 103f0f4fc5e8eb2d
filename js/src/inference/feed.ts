/** A piece as a model takes it: padded to its longest cell. */
import type { Piece } from "./api";
import { cellsOf } from "./pieces";

const PAD_GENE = -1;

export interface Padded {
  cells: number;
  /** At least 1. */
  width: number;
  /** [cells, width]; -1 pads. */
  genes: Int32Array;
  /** [cells, width]; 0 pads. */
  counts: Float32Array;
}

/** Spread the cells out. The arrays are new ones: nothing of another piece is left in them. */
export function padded(piece: Piece): Padded {
  const { indptr } = piece;
  const cells = cellsOf(piece);
  let width = 1;
  for (let cell = 0; cell < cells; cell++) width = Math.max(width, indptr[cell + 1]! - indptr[cell]!);
  const genes = new Int32Array(cells * width).fill(PAD_GENE);
  const counts = new Float32Array(cells * width);
  for (let cell = 0; cell < cells; cell++) {
    const [from, to] = [indptr[cell]!, indptr[cell + 1]!];
    genes.set(piece.genes.subarray(from, to), cell * width);
    counts.set(piece.counts.subarray(from, to), cell * width);
  }
  return { cells, width, genes, counts };
}
