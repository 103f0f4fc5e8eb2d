import { expect, test } from "vitest";
import { densityOf, GRID, silhouette } from "./density";
import { boundsOf, union } from "./extent";
import { randomOf } from "./testing";

test("bounds leave out what has no place", () => {
  const xy = Float32Array.from([1, 2, NaN, NaN, -3, 8, Infinity, 0, 100, 100]);
  expect(boundsOf(xy, 4)).toEqual({ x0: -3, y0: 2, x1: 1, y1: 8 });
  expect(boundsOf(xy.fill(NaN), 5)).toBeNull();
  expect(union(null, { x0: 0, y0: 0, x1: 1, y1: 1 })).toEqual({ x0: 0, y0: 0, x1: 1, y1: 1 });
});

test("density counts cells, and half a run already looks like the whole", () => {
  const next = randomOf(1);
  const xy = Float32Array.from({ length: 4000 }, () => 0.1 + 0.8 * next());
  const extent = { x0: 0, y0: 0, x1: 1, y1: 1 };
  const sum = (values: Float32Array) => values.reduce((total, one) => total + one, 0);
  expect(sum(densityOf(xy, extent, 2000).values)).toBeCloseTo(2000, 0);
  const half = xy.slice().fill(NaN, 2000);
  expect(sum(densityOf(half, extent, 2000).values)).toBeCloseTo(2000, 0);
});

test("one point has a density and no cell has none", () => {
  const extent = { x0: 5, y0: 5, x1: 5, y1: 5 };
  expect(densityOf(Float32Array.from([5, 5]), extent, 1).values).toHaveLength(GRID * GRID);
  expect(densityOf(new Float32Array(0), extent, 10).values.every((one) => one === 0)).toBe(true);
});

test("a silhouette has a disc wherever there are cells, and few of them", () => {
  const next = randomOf(2);
  const xy = Float32Array.from({ length: 100_000 }, () => 10 * next());
  const extent = { x0: 0, y0: 0, x1: 10, y1: 10 };
  const discs = silhouette(xy, 50_000, extent);
  expect(discs.length / 2).toBeLessThanOrEqual(2 * GRID * GRID);
  const square = (value: number) => Math.min(GRID - 1, Math.floor((value / 10) * GRID));
  const squares = (points: Float32Array, count: number) =>
    new Set(
      Array.from(
        { length: count },
        (_, i) => square(points[2 * i] as number) * GRID + square(points[2 * i + 1] as number),
      ),
    );
  expect(squares(discs, discs.length / 2)).toEqual(squares(xy, 50_000));
});
