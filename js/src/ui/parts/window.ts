/** Which rows of a long list are in sight. Pure. */
export interface Span {
  first: number;
  count: number;
  /** Where row `first` goes, in pixels from the list's top. */
  top: number;
}

/** Browsers end an element at 17 to 33 million pixels: longer lists scroll faster than their rows are high. */
const HIGHEST = 16_000_000;

export const listHeight = (total: number, row: number): number => Math.min(total * row, HIGHEST);

/** Rows that pass under the top edge for each pixel scrolled. */
function topRow(total: number, row: number, scroll: number, view: number): number {
  const height = total * row;
  if (height <= HIGHEST) return scroll / row;
  const share = Math.min(1, scroll / Math.max(1, HIGHEST - view));
  return share * (total - view / row);
}

export function spanOf(total: number, row: number, scroll: number, view: number): Span {
  const at = Math.max(0, topRow(total, row, scroll, view));
  const first = Math.min(Math.floor(at), Math.max(0, total - 1));
  const count = Math.min(total - first, Math.ceil(view / row) + 1);
  return { first, count: Math.max(0, count), top: Math.round(scroll - (at - first) * row) };
}

/** Where to scroll so that row `index` is wholly in sight, moving as little as possible. */
export function scrollTo(total: number, row: number, scroll: number, view: number, index: number): number {
  const at = topRow(total, row, scroll, view);
  const fits = Math.max(1, view / row);
  let want = at;
  if (index < at) want = index;
  else if (index + 1 > at + fits) want = index + 1 - fits;
  if (want === at) return scroll;
  if (total * row <= HIGHEST) return want * row;
  return (want / Math.max(1, total - view / row)) * Math.max(1, HIGHEST - view);
}
