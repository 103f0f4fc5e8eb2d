/** From where to where a column's numbers go, over all cells; null where it has none. Pure. */
import type { NumberColumn } from "./columns";
import { MISSING } from "./dtypes";

/** A gene that is not detected has a tone of its own: the ramp begins at the least that was. */
export const skipsZeros = ({ group }: NumberColumn["spec"]): boolean => group === "gene";

export function rangeOf({ values, held, spec }: NumberColumn): [min: number, max: number] | null {
  let [min, max] = [Infinity, -Infinity];
  const zeros = !skipsZeros(spec);
  for (let row = 0; row < held; row++) {
    const value = values[row] as number;
    if (!Number.isFinite(value) || value === MISSING[spec.dtype] || (value === 0 && !zeros)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return max >= min ? [min, max] : null;
}
