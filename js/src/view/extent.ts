/** Bounds of points. */
import type { Extent } from "./api";

/** Bounds of the first `count` points that have a place; null where none has. */
export function boundsOf(xy: Float32Array, count: number): Extent | null {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < 2 * count; i += 2) {
    const x = xy[i] as number;
    const y = xy[i + 1] as number;
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x1 >= x0 ? { x0, y0, x1, y1 } : null;
}

export function union(a: Extent | null, b: Extent | null): Extent | null {
  if (!a || !b) return a ?? b;
  return { x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) };
}

/** Never zero, so that a map of one point has a scale. */
export function sizeOf({ x0, y0, x1, y1 }: Extent): { width: number; height: number } {
  return { width: Math.max(x1 - x0, 1e-6), height: Math.max(y1 - y0, 1e-6) };
}
