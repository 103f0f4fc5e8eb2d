/** The labels of a selection beside those of all other cells. Pure. */
export interface MixLine {
  code: number;
  /** Share of the selection, and of the rest: 0 to 1. */
  share: number;
  rest: number;
}

const MOST = 8;

const sum = (counts: ArrayLike<number>) => Array.from(counts).reduce((a, b) => a + b, 0);

/** Labels that the selection has, most frequent first; what is beyond the eighth is one line. */
export function mixOf(
  selection: ArrayLike<number>,
  rest: ArrayLike<number>,
): { lines: MixLine[]; others: { count: number; share: number } } {
  const [here, there] = [Math.max(1, sum(selection)), Math.max(1, sum(rest))];
  const all = Array.from(selection, (n, code) => ({ code, share: n / here, rest: (rest[code] ?? 0) / there }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || a.code - b.code);
  const shown = all.length === MOST + 1 ? all.length : MOST;
  const beyond = all.slice(shown);
  return {
    lines: all.slice(0, shown),
    others: { count: beyond.length, share: beyond.reduce((total, { share }) => total + share, 0) },
  };
}
