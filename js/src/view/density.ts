/** How crowded the map is, on a grid over its extent: sizes and opacity follow it. */
import type { Extent } from "./api";
import { sizeOf } from "./extent";

export const GRID = 160;

export interface Density {
  extent: Extent;
  /** Cells per grid square, smoothed; GRID x GRID, rows from y0 up. */
  values: Float32Array;
  /** Area of a square, in data units. */
  area: number;
}

/**
 * Counts cells on the grid and smooths them a little. `expected` is the number of cells there will be, so that sizes do
 * not drift while a run goes on.
 */
export function densityOf(xy: Float32Array, extent: Extent, expected: number): Density {
  const { width, height } = sizeOf(extent);
  const raw = new Float32Array(GRID * GRID);
  let placed = 0;
  for (let i = 0; i < xy.length; i += 2) {
    const x = Math.floor((((xy[i] as number) - extent.x0) / width) * GRID);
    const y = Math.floor((((xy[i + 1] as number) - extent.y0) / height) * GRID);
    if (!(x >= 0 && y >= 0)) continue;
    const at = Math.min(y, GRID - 1) * GRID + Math.min(x, GRID - 1);
    raw[at] = (raw[at] as number) + 1;
    placed++;
  }
  const scale = placed > 0 ? Math.max(1, expected / placed) : 1;
  return { extent, values: smooth(raw, scale), area: (width * height) / (GRID * GRID) };
}

function smooth(raw: Float32Array, scale: number): Float32Array {
  const values = new Float32Array(raw.length);
  for (let y = 1; y < GRID - 1; y++)
    for (let x = 1; x < GRID - 1; x++) {
      let sum = 0;
      for (let dy = -1; dy < 2; dy++)
        for (let dx = -1; dx < 2; dx++)
          sum += (raw[(y + dy) * GRID + x + dx] as number) * (2 - Math.abs(dx)) * (2 - Math.abs(dy));
      values[y * GRID + x] = (sum / 16) * scale;
    }
  return values;
}

/** One disc per occupied square is the same silhouette as one per cell, and a hundredth of the work. */
export function silhouette(xy: Float32Array, count: number, extent: Extent): Float32Array {
  const { width, height } = sizeOf(extent);
  const seen = new Uint8Array(GRID * GRID);
  const kept: number[] = [];
  for (let i = 0; i < 2 * count; i += 2) {
    const x = Math.min(GRID - 1, Math.floor((((xy[i] as number) - extent.x0) / width) * GRID));
    const y = Math.min(GRID - 1, Math.floor((((xy[i + 1] as number) - extent.y0) / height) * GRID));
    if (!(x >= 0 && y >= 0)) continue;
    const times = seen[y * GRID + x] as number;
    if (times >= 2) continue;
    seen[y * GRID + x] = times + 1;
    kept.push(xy[i] as number, xy[i + 1] as number);
  }
  return Float32Array.from(kept);
}
