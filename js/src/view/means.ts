/** What a number is on average in the cells of each label, among those that pass the filters. Pure. */
import type { Columns, NumberColumn } from "./columns";

/** Per code of `label` the mean, NaN for one without cells; null where there are no labels. */
export function meansByLabel(columns: Columns, color: NumberColumn, fails: Uint8Array): Float64Array | null {
  const label = columns.numbers("label");
  if (!label) return null;
  const size = label.spec.categories?.length ?? 0;
  const [sums, counts] = [new Float64Array(size), new Float64Array(size)];
  for (let row = 0; row < Math.min(columns.n, color.held); row++) {
    const code = columns.code(label, row);
    const value = color.values[row] as number;
    if (fails[row] !== 0 || code < 0 || code >= size || !Number.isFinite(value)) continue;
    sums[code] = (sums[code] as number) + value;
    counts[code] = (counts[code] as number) + 1;
  }
  return sums.map((sum, code) => sum / (counts[code] as number));
}
