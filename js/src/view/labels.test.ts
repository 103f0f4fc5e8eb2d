import { expect, test } from "vitest";
import { type Anchor, anchorsOf, placeLabels, type Scene } from "./labels";
import { randomOf } from "./testing";

const WIDTH = 600;
const HEIGHT = 400;
const CAMERA = { x: 0, y: HEIGHT, k: 40 };

/** Clusters of about so many cells each at chance places, on a map of 15 x 10. */
function cells(seed: number, clusters: number, each: number) {
  const next = randomOf(seed);
  const centres = Array.from({ length: clusters }, () => [1 + 13 * next(), 1 + 8 * next(), 0.1 + 0.9 * next()]);
  const xy = new Float32Array(2 * clusters * each);
  for (let row = 0; row < clusters * each; row++) {
    const [x, y, spread] = centres[row % clusters] as [number, number, number];
    xy[2 * row] = x + spread * (next() + next() - 1);
    xy[2 * row + 1] = y + spread * (next() + next() - 1);
  }
  return { xy, centres, codeOf: (row: number) => row % clusters };
}

const widthOf = (code: number) => 20 + 7 * (code % 9);
const sceneOf = (xy: Float32Array, more: Partial<Scene> = {}): Scene => ({
  xy,
  camera: CAMERA,
  width: WIDTH,
  height: HEIGHT,
  avoid: [],
  widthOf,
  ...more,
});

const boxOf = ({ code, x, y }: { code: number; x: number; y: number }) => {
  const half = widthOf(code) / 2;
  return { x0: x - half, x1: x + half, y0: y - 7, y1: y + 7 };
};

test.each([1, 2, 3, 4, 5, 6])("labels lie inside, never over one another, never over the tools (seed %i)", (seed) => {
  const { xy, codeOf } = cells(seed, 30, 60);
  const avoid: Scene["avoid"] = [
    [0, 0, 140, 60],
    [450, 0, WIDTH, 60],
  ];
  const placed = placeLabels(anchorsOf(xy, codeOf, 0.3), sceneOf(xy, { avoid }));
  expect(placed.length).toBeGreaterThan(5);
  expect(new Set(placed.map((label) => label.code)).size).toBe(placed.length);
  const boxes = placed.map(boxOf);
  for (const { x0, y0, x1, y1 } of boxes) {
    expect(x0 >= 0 && y0 >= 0 && x1 <= WIDTH && y1 <= HEIGHT).toBe(true);
    for (const [ax0, ay0, ax1, ay1] of avoid) expect(x1 <= ax0 || x0 >= ax1 || y1 <= ay0 || y0 >= ay1).toBe(true);
  }
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) expect(a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0).toBe(true);
  });
});

test.each([1, 2, 3])("an anchor is where its category is dense (seed %i)", (seed) => {
  const { xy, centres, codeOf } = cells(seed, 5, 400);
  for (const { code, x, y } of anchorsOf(xy, codeOf, 0.3)) {
    const [cx, cy, spread] = centres[code] as [number, number, number];
    expect(Math.hypot(x - cx, y - cy)).toBeLessThan(spread);
  }
});

test("a wide cluster carries its label, a narrow one has it beside", () => {
  const anchor = (half: number): Anchor => ({ code: 0, x: 7.5, y: 5, halfWidth: half, halfHeight: half, cells: 100 });
  const empty = new Float32Array(0);
  expect(placeLabels([anchor(2)], sceneOf(empty))).toEqual([{ code: 0, x: 300, y: 200 }]);
  const [beside] = placeLabels([anchor(0.1)], sceneOf(empty));
  expect(beside).toBeDefined();
  expect(Math.hypot((beside?.x ?? 0) - 300, (beside?.y ?? 0) - 200)).toBeGreaterThan(8);
});

test.each([1, 2, 3])("labels that lie well stay where they are while cells come (seed %i)", (seed) => {
  const { xy, codeOf } = cells(seed, 12, 200);
  const half = anchorsOf(xy.subarray(0, xy.length / 2), codeOf, 0.3);
  const before = placeLabels(half, sceneOf(xy.subarray(0, xy.length / 2)));
  const moves = (after: typeof before) =>
    before.filter((old) => after.some(({ code, x, y }) => code === old.code && (x !== old.x || y !== old.y))).length;
  const whole = anchorsOf(xy, codeOf, 0.3);
  const staying = moves(placeLabels(whole, sceneOf(xy, { before })));
  expect(staying).toBeLessThan(moves(placeLabels(whole, sceneOf(xy))));
  expect(staying).toBeLessThanOrEqual(before.length / 3);
});

test("a label whose cells are elsewhere now goes there", () => {
  const empty = new Float32Array(0);
  const anchor: Anchor = { code: 0, x: 7.5, y: 5, halfWidth: 2, halfHeight: 2, cells: 100 };
  const before = [{ code: 0, x: 60, y: 30 }];
  expect(placeLabels([anchor], sceneOf(empty, { before }))).toEqual([{ code: 0, x: 300, y: 200 }]);
});

test("categories without cells, places or room have no label", () => {
  const { xy } = cells(1, 1, 100);
  expect(anchorsOf(xy, () => -1, 0.3)).toEqual([]);
  expect(anchorsOf(xy.fill(NaN), () => 0, 0.3)).toEqual([]);
  const off: Anchor = { code: 0, x: 100, y: 5, halfWidth: 1, halfHeight: 1, cells: 9 };
  expect(placeLabels([off], sceneOf(new Float32Array(0)))).toEqual([]);
});

test("no category is missed where its cells come with the sampling's own period", () => {
  const { xy, codeOf } = cells(2, 20, 50_000);
  expect(anchorsOf(xy, codeOf, 0.3)).toHaveLength(20);
});
