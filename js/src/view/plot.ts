/** One plot on the screen: its camera and dress, when it is drawn, and where its labels are. */
import { CELL } from "../protocol";
import type { Camera, PlacedLabel, Theme } from "./api";
import type { Dataset } from "./dataset";
import { type Anchor, anchorsOf, placeLabels, type Ruler } from "./labels";
import type { Painter } from "./painter";

const LABELS_EVERY = 2;
const CAMERA_REST = 0.12;
const SETTLE = 0.45;
/** Milliseconds of a frame above which points are there at once rather than born. */
const SMOOTH_FRAME = 8;

export class Plot {
  camera: Camera | null = null;
  fit = 1;
  theme: Theme;
  labels = true;
  avoid: [number, number, number, number][] = [];
  width: number;
  height: number;
  dpr: number;
  readonly #still: boolean;
  #drawn = -1;
  #dirty = true;
  #cost = 0;
  #anchors: Anchor[] = [];
  #anchorsAt = -Infinity;
  #anchorsOf = "";
  #movedAt = -Infinity;
  #placed: PlacedLabel[] = [];
  #placedFor = "";
  #placedAt: Camera = { x: 0, y: 0, k: 1 };

  constructor(
    readonly data: Dataset,
    size: { width: number; height: number; dpr: number },
    theme: Theme,
    still: boolean,
  ) {
    this.width = size.width;
    this.height = size.height;
    this.dpr = size.dpr;
    this.theme = theme;
    this.#still = still;
  }

  /** The same plot of other data: a new run. */
  showing(data: Dataset): Plot {
    const plot = new Plot(data, this, this.theme, this.#still);
    Object.assign(plot, { camera: this.camera, fit: this.fit, labels: this.labels, avoid: this.avoid });
    return plot;
  }

  /** Milliseconds until labels may be placed anew, null when they are. */
  resting(now: number): number | null {
    if (!this.camera || this.#placedFor === this.#scene()) return null;
    const wait = Math.max(this.#movedAt + CAMERA_REST, this.#anchorsAt + (this.data.running ? LABELS_EVERY : 0)) - now;
    return Math.max(16, 1000 * wait);
  }

  touch(): void {
    this.#dirty = true;
  }

  move(camera: Camera, fit: number, now: number): void {
    if (this.camera && camera.k === this.camera.k && camera.x === this.camera.x && camera.y === this.camera.y) {
      this.fit = fit;
      return;
    }
    this.camera = camera;
    this.fit = fit;
    this.#movedAt = now;
    this.#dirty = true;
  }

  /** Whether there is something new to draw; nothing is where nothing can be seen. */
  due(now: number): boolean {
    if (!this.camera || this.width < 1 || this.height < 1) return false;
    return this.#dirty || this.#drawn !== this.data.version || this.#settling(now) || this.#labelsDue(now);
  }

  /** Seconds until the next frame may be drawn, so that a run has its cores. */
  get pause(): number {
    return this.data.running ? Math.min(2, (9 * this.#cost) / 1000) : 0;
  }

  draw(painter: Painter, ruler: Ruler, now: number): { bitmap: ImageBitmap; camera: Camera; labels: PlacedLabel[] } {
    const camera = this.camera as Camera;
    const begin = performance.now();
    const { width, height, dpr, fit, theme } = this;
    const births = !this.#still && this.#cost < SMOOTH_FRAME;
    const bitmap = painter.draw(this.data, { width, height, dpr, camera, fit, theme, now: births ? now : Infinity });
    this.#cost = 0.7 * this.#cost + 0.3 * (performance.now() - begin);
    this.#drawn = this.data.version;
    this.#dirty = false;
    this.#placeLabels(ruler, now);
    return { bitmap, camera, labels: this.#placed };
  }

  #settling(now: number): boolean {
    return !this.#still && this.#cost < SMOOTH_FRAME && now - this.data.bornLast < SETTLE;
  }

  #labelsDue(now: number): boolean {
    if (this.#placedFor === this.#scene()) return false;
    return now - this.#movedAt > CAMERA_REST && now - this.#anchorsAt > (this.data.running ? LABELS_EVERY : 0);
  }

  #scene(): string {
    const { camera, width, height, labels, avoid, data } = this;
    return [camera?.x, camera?.y, camera?.k, width, height, labels, avoid.join(), data.version].join(" ");
  }

  /** While the camera moves the labels of the last rest move with it (the page does that); they are placed anew at rest. */
  #placeLabels(ruler: Ruler, now: number): void {
    const { camera, data, theme } = this;
    if (!camera) return;
    if (!this.labels) {
      this.#placed = [];
      this.#placedFor = this.#scene();
      return;
    }
    if (now - this.#movedAt <= CAMERA_REST && this.#placedFor !== "") {
      this.#placed = shifted(this.#placed, this.#placedAt, camera);
      this.#placedAt = camera;
      return;
    }
    if (!this.#labelsDue(now) && this.#placedFor !== "") return;
    this.#refreshAnchors(now);
    const names = data.columns.numbers(data.look?.color ?? "")?.spec.categories ?? [];
    const widthOf = (code: number) => ruler.measure(names[code] ?? "", theme.font);
    const { width, height, avoid } = this;
    this.#placed = placeLabels(this.#anchors, { xy: data.columns.xy, camera, width, height, avoid, widthOf });
    this.#placedAt = camera;
    this.#placedFor = this.#scene();
  }

  #refreshAnchors(now: number): void {
    const { data } = this;
    const key = `${data.version}`;
    if (this.#anchorsOf === key) return;
    this.#anchorsOf = key;
    this.#anchorsAt = now;
    const { columns, fails, look } = data;
    const color = columns.numbers(look?.color ?? "");
    const extent = data.extent();
    if (color?.spec.kind !== "category" || !extent) {
      this.#anchors = [];
      return;
    }
    const streams = color.spec.group === "result";
    const focus = look?.focus ?? -1;
    const codeOf = (row: number) => {
      if (fails[row] !== 0 || (streams && columns.state[row] !== CELL.done)) return -1;
      const code = columns.code(color, row);
      return focus >= 0 && code !== focus ? -1 : code;
    };
    const spread = 0.03 * Math.max(extent.x1 - extent.x0, extent.y1 - extent.y0, 1e-6);
    this.#anchors = anchorsOf(columns.xy, codeOf, spread);
  }
}

/** Labels placed for one camera as another sees them. */
function shifted(labels: PlacedLabel[], from: Camera, to: Camera): PlacedLabel[] {
  const scale = to.k / from.k;
  return labels.map(({ code, x, y }) => ({ code, x: to.x + (x - from.x) * scale, y: to.y + (y - from.y) * scale }));
}
