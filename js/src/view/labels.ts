/** Names on the plot: at the densest spot of each category, beside it where it is narrow, dropped rather than overlapping. */
import type { Camera, PlacedLabel } from "./api";

type Box = [number, number, number, number];

export interface Anchor {
  code: number;
  /** Data space: the densest spot, and half the width and height of the category around it. */
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
  cells: number;
}

const MOST_SAMPLES = 20_000;
const FEWEST_CELLS = 12;
const PER_CATEGORY = 400;
const TRIED = 160;
const HEIGHT = 14;
const COARSE = 6;
const MARGIN = 4;
/** What a place costs: on the category, for each covered square, the most that is borne, and less where it is now. */
const ON = -40;
const COVER = 7;
const WORST = 60;
const STAY = 25;
/** Pixels beyond the category: what is tried, and how far a label may be left. */
const RINGS = [4, 8, 13, 20, 28];
const FAR = 32;
const GOLDEN = 0.618034;

/** Where the categories are. `codeOf` gives -1 for cells that are not drawn in a colour. */
export function anchorsOf(xy: Float32Array, codeOf: (row: number) => number, spread: number): Anchor[] {
  const n = xy.length / 2;
  const rows = new Map<number, number[]>();
  for (const row of sample(n)) {
    const code = codeOf(row);
    if (code < 0 || Number.isNaN(xy[2 * row] as number)) continue;
    const list = rows.get(code);
    if (list) list.push(row);
    else rows.set(code, [row]);
  }
  const each = n / Math.min(n, MOST_SAMPLES);
  const anchors: Anchor[] = [];
  for (const [code, list] of rows) {
    if (list.length * each < FEWEST_CELLS) continue;
    anchors.push({ code, cells: list.length, ...densest(xy, thin(list, PER_CATEGORY), spread) });
  }
  return anchors.sort((a, b) => b.cells - a.cells);
}

/** Rows all over the dataset, not in step with any period of it. */
function* sample(n: number): Generator<number> {
  const step = Math.max(1, n / MOST_SAMPLES);
  for (let i = 0; i * step < n; i++) yield Math.min(n - 1, Math.floor((i + (step > 1 ? (i * GOLDEN) % 1 : 0)) * step));
}

function thin(rows: number[], most: number): number[] {
  const step = Math.ceil(rows.length / most);
  return step <= 1 ? rows : rows.filter((_, i) => i % step === 0);
}

/** The sample with most others within about `spread`, and how far its neighbourhood reaches. */
function densest(xy: Float32Array, rows: number[], spread: number) {
  const scale = 1 / (2 * spread * spread);
  let [best, at] = [-1, rows[0] as number];
  for (const a of thin(rows, TRIED)) {
    let sum = 0;
    for (const b of rows) {
      const dx = (xy[2 * a] as number) - (xy[2 * b] as number);
      const dy = (xy[2 * a + 1] as number) - (xy[2 * b + 1] as number);
      sum += Math.exp(-(dx * dx + dy * dy) * scale);
    }
    if (sum > best) [best, at] = [sum, a];
  }
  const [x, y] = [xy[2 * at] as number, xy[2 * at + 1] as number];
  const near = rows.filter(
    (row) => Math.hypot((xy[2 * row] as number) - x, (xy[2 * row + 1] as number) - y) < 6 * spread,
  );
  const reach = (axis: number, centre: number) =>
    quantile(
      near.map((row) => Math.abs((xy[2 * row + axis] as number) - centre)),
      0.85,
    );
  return { x, y, halfWidth: reach(0, x), halfHeight: reach(1, y) };
}

function quantile(values: number[], q: number): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(q * (values.length - 1))] ?? 0;
}

export interface Scene {
  xy: Float32Array;
  camera: Camera;
  width: number;
  height: number;
  avoid: readonly Box[];
  /** Width of a category's name in CSS pixels. */
  widthOf: (code: number) => number;
  /** Where labels are now: they stay unless it is clearly better elsewhere, since nothing should jump. */
  before?: readonly PlacedLabel[];
}

/** Places as many names as fit, the largest categories first. */
export function placeLabels(anchors: readonly Anchor[], scene: Scene): PlacedLabel[] {
  const taken: Box[] = scene.avoid.map((box) => [...box]);
  const cover = coverOf(scene);
  const placed: PlacedLabel[] = [];
  for (const anchor of anchors) {
    const spot = bestSpot(anchor, scene, taken, cover);
    if (!spot) continue;
    const [x0, y0, x1, y1] = spot;
    taken.push([x0 - 3, y0 - 5, x1 + 3, y1 + 5]);
    placed.push({ code: anchor.code, x: (x0 + x1) / 2, y: (y0 + y1) / 2 });
  }
  return placed;
}

/** Which coarse squares of the screen have a cell. */
function coverOf({ xy, camera, width, height }: Scene): (box: Box) => number {
  const columns = Math.ceil(width / COARSE);
  const rows = Math.ceil(height / COARSE);
  const occupied = new Uint8Array(columns * rows);
  for (const row of sample(xy.length / 2)) {
    const x = Math.floor((camera.x + camera.k * (xy[2 * row] as number)) / COARSE);
    const y = Math.floor((camera.y - camera.k * (xy[2 * row + 1] as number)) / COARSE);
    if (x >= 0 && y >= 0 && x < columns && y < rows) occupied[y * columns + x] = 1;
  }
  return ([x0, y0, x1, y1]) => {
    let sum = 0;
    for (let y = Math.floor(y0 / COARSE); y <= Math.floor(y1 / COARSE); y++)
      for (let x = Math.floor(x0 / COARSE); x <= Math.floor(x1 / COARSE); x++) sum += occupied[y * columns + x] ?? 0;
    return sum;
  };
}

function bestSpot(anchor: Anchor, scene: Scene, taken: readonly Box[], cover: (box: Box) => number): Box | null {
  const { camera, width, height } = scene;
  const x = camera.x + camera.k * anchor.x;
  const y = camera.y - camera.k * anchor.y;
  if (x < -20 || y < -20 || x > width + 20 || y > height + 20) return null;
  const w = scene.widthOf(anchor.code) + 8;
  const before = scene.before?.find((label) => label.code === anchor.code);
  let [best, least]: [Box | null, number] = [null, WORST];
  for (const [cx, cy, cost, on] of candidates(anchor, x, y, w, camera.k, before)) {
    const box: Box = [cx - w / 2, cy - HEIGHT / 2, cx + w / 2, cy + HEIGHT / 2];
    if (box[0] < MARGIN || box[1] < MARGIN || box[2] > width - MARGIN || box[3] > height - MARGIN) continue;
    if (taken.some((other) => overlap(box, other))) continue;
    const score = cost + (on ? 0 : COVER * cover(box));
    if (score < least) [best, least] = [box, score];
  }
  return best;
}

/** Centre, how dear it is, and whether it is on the category, where it may cover cells. */
type Candidate = [x: number, y: number, cost: number, on: boolean];

/** On the category where it is wide enough, then rings around it, farther ones dearer; where the label is now is cheap. */
function* candidates(
  anchor: Anchor,
  x: number,
  y: number,
  w: number,
  k: number,
  before: PlacedLabel | undefined,
): Generator<Candidate> {
  const [halfWidth, halfHeight] = [anchor.halfWidth * k, anchor.halfHeight * k];
  const wide = 2 * halfWidth > 1.25 * w && 2 * halfHeight > 34;
  if (before) {
    const [dx, dy] = [Math.abs(before.x - x), Math.abs(before.y - y)];
    if (wide && dx < halfWidth / 2 && dy < halfHeight / 2) yield [before.x, before.y, ON - STAY, true];
    else if (dx < halfWidth + FAR + w / 2 && dy < halfHeight + FAR) yield [before.x, before.y, -STAY, false];
  }
  if (wide) yield [x, y, ON, true];
  for (const distance of RINGS)
    for (let turn = 0; turn < 16; turn++) {
      const [cos, sin] = [Math.cos((turn * Math.PI) / 8), Math.sin((turn * Math.PI) / 8)];
      const dx = cos * (halfWidth + distance + w / 2) * Math.min(1, 1.5 * Math.abs(cos));
      const dy = sin * (halfHeight + distance + HEIGHT / 2 - 2) * Math.min(1, 1.5 * Math.abs(sin));
      yield [x + dx, y + dy, 1.6 * distance + 4 * Math.abs(cos * sin), false];
    }
}

function overlap(a: Box, b: Box): boolean {
  return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

/** Widths of texts in a font, remembered. */
export class Ruler {
  #context = new OffscreenCanvas(1, 1).getContext("2d");
  #widths = new Map<string, number>();

  measure(text: string, family: string): number {
    const key = `${family}|${text}`;
    let width = this.#widths.get(key);
    if (width === undefined) {
      if (this.#context) this.#context.font = `600 11px ${family}`;
      width = this.#context?.measureText(text).width ?? 6 * text.length;
      this.#widths.set(key, width);
    }
    return width;
  }
}
