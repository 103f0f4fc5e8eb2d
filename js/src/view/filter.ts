/** Which cells pass: how many filters each cell fails, so that a filter can be left out when its own column is counted. */
import { CELL } from "../protocol";
import type { Filter } from "./api";
import type { Columns } from "./columns";

export type Fails = (row: number) => boolean;

/**
 * What a filter refuses. A cell not yet run passes filters on columns that the run fills; a missing value passes a
 * filter by category and fails one by range. A filter on a column that is not held refuses nothing.
 */
export function refuser(columns: Columns, filter: Filter): Fails {
  const column = columns.numbers(filter.column);
  if (!column) return () => false;
  const { values, held } = column;
  const { state } = columns;
  const streamed = column.spec.group === "result";
  if ("off" in filter) {
    const off = new Uint8Array(1 + Math.max(0, ...filter.off));
    for (const code of filter.off) off[code] = 1;
    return (row) => row < held && off[values[row] as number] === 1;
  }
  const { from, to } = filter;
  return (row) => {
    if (streamed && state[row] === CELL.notRun) return false;
    const value = values[row] as number;
    return row < held && !(value >= from && value <= to);
  };
}

/** Fills `fails` with the number of filters that each cell fails; returns how many pass. */
export function applyFilters(columns: Columns, filters: readonly Filter[], fails: Uint8Array): number {
  fails.fill(0);
  for (const filter of filters) {
    const refuses = refuser(columns, filter);
    for (let row = 0; row < fails.length; row++) if (refuses(row)) fails[row] = (fails[row] as number) + 1;
  }
  let shown = 0;
  for (let row = 0; row < fails.length; row++) if (fails[row] === 0) shown++;
  return shown;
}
