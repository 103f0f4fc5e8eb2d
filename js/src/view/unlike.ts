/** Cells that are unlike anything in training: farther from the training cells than a limit. */
import { CELL } from "../protocol";
import type { Columns } from "./columns";

/** Asks it of single cells; never true where no distance is measured. */
export function unlikeOf(columns: Columns): (row: number) => boolean {
  const distance = columns.numbers("distance");
  const limit = columns.schema.layout.distance_limit;
  if (!distance || limit === null) return () => false;
  const { values } = distance;
  const { state } = columns;
  return (row) => state[row] === CELL.done && (values[row] as number) > limit;
}

/** How many there are; null where no distance is measured. */
export function countUnlike(columns: Columns): number | null {
  if (columns.schema.layout.distance_limit === null || !columns.numbers("distance")) return null;
  const unlike = unlikeOf(columns);
  let count = 0;
  for (let row = 0; row < columns.n; row++) if (unlike(row)) count++;
  return count;
}
