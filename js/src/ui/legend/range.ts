/** The ends of a colour ramp. Pure. */
export type Range = [number, number];

/** As small a share of the whole as the two ends may come together. */
const CLOSEST = 0.02;

/** Moves one end to `value`, kept inside the whole range and on its own side of the other end. */
export function moved(range: Range, end: 0 | 1, value: number, [min, max]: Range): Range {
  const gap = (max - min) * CLOSEST;
  return end === 0
    ? [Math.max(min, Math.min(value, range[1] - gap)), range[1]]
    : [range[0], Math.min(max, Math.max(value, range[0] + gap))];
}

export const shareOf = (value: number, [min, max]: Range): number =>
  max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
