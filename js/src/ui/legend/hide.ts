/** What clicks in a legend switch off. Pure. */
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

/** Codes, largest first; equal ones as the dataset lists them. */
export function byCount(counts: ArrayLike<number>): number[] {
  return Array.from(counts, (_, i) => i).sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b);
}
