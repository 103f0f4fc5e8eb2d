/** What a legend lists, and what clicks in it switch off. Pure. */
import type { ColumnSpec } from "../../protocol";
import { unassignedCode } from "../../view/effective";

export type Off = ReadonlySet<number>;

export function toggled(off: Off, code: number): Off {
  const next = new Set(off);
  if (!next.delete(code)) next.add(code);
  return next;
}

/** Only this one; or, where it is alone already, all again. */
export function isolated(off: Off, code: number, categories: number): Off {
  if (off.size === categories - 1 && !off.has(code)) return new Set();
  const next = new Set(Array.from({ length: categories }, (_, i) => i));
  next.delete(code);
  return next;
}

/** Codes as they are listed: largest first; cells without a label last, where there can be any. */
export function listed(column: ColumnSpec, counts: ArrayLike<number>, threshold: number): number[] {
  const unassigned = unassignedCode(column);
  const named = byCount(counts).filter((code) => code !== unassigned);
  return unassigned >= 0 && threshold > 0 ? [...named, unassigned] : named;
}

/** Codes, largest first; equal ones as the dataset lists them. */
export function byCount(counts: ArrayLike<number>): number[] {
  return Array.from(counts, (_, i) => i).sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b);
}
