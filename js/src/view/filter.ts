/** Which cells pass: how many filters each cell fails, so that a filter can be left out when its own column is counted. */
import { CELL } from "../protocol";
import type { Filter } from "./api";
import type { Columns } from "./columns";

export type Refuses = (row: number) => boolean;

/**
 * What a filter refuses. A cell not yet run passes filters on columns that the run fills; a missing value passes a
 * filter by category and fails one by range. A filter on a column that is not held refuses nothing.
 */
export function refuser(columns: Columns, filter: Filter): Refuses {
  const column = columns.numbers(filter.column);
  if (!column) return () => false;
  const { values, held } = column;
  const { state } = columns;
  const streamed = column.spec.group === "result";
  if ("off" in filter) {
    const off = new Uint8Array(column.spec.categories?.length ?? 256);
    for (const code of filter.off) off[code] = 1;
    return (row) => row < held && off[values[row] as number] === 1;
  }
  const keeps =
    "above" in filter
      ? (value: number) => value > filter.above
      : (value: number) => value >= filter.from && value <= filter.to;
  return (row) => {
    if (row >= held || (streamed && state[row] === CELL.notRun)) return false;
    return !keeps(values[row] as number);
  };
}

/** Fills `fails` with the number of filters that each cell fails; returns how many cells pass. */
export function filterAll(columns: Columns, filters: readonly Filter[], fails: Uint8Array): number {
  fails.fill(0);
  if (filters.length === 0) return fails.length;
  for (const filter of filters) {
    const refuses = refuser(columns, filter);
    for (let row = 0; row < fails.length; row++) if (refuses(row)) fails[row] = (fails[row] as number) + 1;
  }
  let shown = 0;
  for (let row = 0; row < fails.length; row++) if (fails[row] === 0) shown++;
  return shown;
}

/** The same for rows that changed; returns by how many cells more pass. */
export function filterRows(columns: Columns, filters: readonly Filter[], fails: Uint8Array, rows: Uint32Array): number {
  if (filters.length === 0) return 0;
  const refusers = filters.map((filter) => refuser(columns, filter));
  let more = 0;
  for (const row of rows) {
    if (row >= fails.length) continue;
    const passed = fails[row] === 0;
    fails[row] = refusers.reduce((sum, refuses) => sum + Number(refuses(row)), 0);
    more += Number(fails[row] === 0) - Number(passed);
  }
  return more;
}
