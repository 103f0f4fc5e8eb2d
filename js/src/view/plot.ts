/** One plot on the screen: its camera and dress, and when it is drawn. */
import type { Camera, PlacedLabel, Theme } from "./api";
import { Captions } from "./captions";
import type { Dataset } from "./dataset";
import type { Ruler } from "./labels";
import type { Painter } from "./painter";

/** Seconds that a new point takes to settle. */
const SETTLE = 0.45;
/** Milliseconds of a frame above which points are there at once rather than born. */
const SMOOTH_FRAME = 8;
/** While a run goes on drawing takes one part in so many of the time, yet a picture comes every so many milliseconds. */
const PART = 10;
/** Least milliseconds between frames that are dear: the page pays for each picture too, where nothing is accelerated. */
const CALM = 250;
const SLOWEST = 5_000;
/** Milliseconds of a frame while the camera moves; what takes longer is drawn in part, and whole when it rests. */
const MOVING_FRAME = 50;
const REST = 0.15;
const LEAST_SHARE = 0.03;

export interface Size {
  width: number;
  height: number;
  dpr: number;
}

export interface Dress {
  theme: Theme;
  labels: boolean;
  /** Rectangles [x0, y0, x1, y1] that labels keep out of. */
  avoid: [number, number, number, number][];
}

export interface Frame {
  bitmap: ImageBitmap;
  camera: Camera;
  labels: PlacedLabel[];
}

export class Plot {
  camera: Camera | null = null;
  readonly #still: boolean;
  readonly #captions: Captions;
  #fit = 1;
  #size: Size;
  #dress: Dress;
  #drawn = -1;
  #dirty = true;
  /** Milliseconds of a whole picture, on average; 0: not known yet. */
  #cost = 0;
  /** Of the points, how many the last picture has. */
  #share = 1;
  #movedAt = -Infinity;
  /** The last picture had no point that is still to shrink. */
  #settled = true;

  constructor(
    readonly data: Dataset,
    { width, height, dpr }: Size,
    theme: Theme,
    still: boolean,
  ) {
    this.#size = { width, height, dpr };
    this.#dress = { theme, labels: true, avoid: [] };
    this.#still = still;
    this.#captions = new Captions(data);
  }

  /** The same plot of other data: a new run. */
  showing(data: Dataset): Plot {
    const plot = new Plot(data, this.#size, this.#dress.theme, this.#still);
    plot.dress(this.#dress);
    plot.camera = this.camera;
    plot.#fit = this.#fit;
    return plot;
  }

  /** Draw again, whatever is known. */
  touch(): void {
    this.#dirty = true;
  }

  resize(width: number, height: number, dpr: number): void {
    this.#size = { width, height, dpr };
    this.#dirty = true;
  }

  dress(dress: Partial<Dress>): void {
    this.#dress = { ...this.#dress, ...dress };
    this.#dirty = true;
  }

  move(camera: Camera, fit: number, now: number): void {
    const before = this.camera;
    this.#fit = fit;
    this.#dirty = true;
    this.camera = camera;
    if (camera.k === before?.k && camera.x === before.x && camera.y === before.y) return;
    if (before) this.#movedAt = now;
    this.#captions.moved(now);
  }

  /** Whether there is something new to draw; nothing is where nothing can be seen. */
  due(now: number): boolean {
    const { camera } = this;
    if (!camera || this.#size.width < 1 || this.#size.height < 1) return false;
    return (
      this.#dirty ||
      !this.#settled ||
      this.#share < 0.9 * this.#shareAt(now) ||
      this.#drawn !== this.data.version.any ||
      this.#captions.due(this.#scene(camera), now)
    );
  }

  /** Milliseconds until the points left out come back, or labels may be placed anew; null when all is where it belongs. */
  resting(now: number): number | null {
    if (!this.camera || this.#size.width < 1) return null;
    if (this.#share < 1 && this.#moving(now)) return 1000 * (this.#stirredAt + REST - now);
    return this.#captions.wait(this.#scene(this.camera), now);
  }

  /** Milliseconds from the begin of one frame to the next. */
  get interval(): number {
    if (!this.data.running) return 0;
    return Math.min(SLOWEST, Math.max(PART * this.#cost, this.#cost < SMOOTH_FRAME ? 0 : CALM));
  }

  /** What a frame took, in milliseconds: this program and the graphics card. */
  charge(took: number): void {
    const cost = took / this.#share;
    this.#cost = this.#cost === 0 ? cost : 0.7 * this.#cost + 0.3 * cost;
  }

  draw(painter: Painter, ruler: Ruler, now: number): Frame {
    const camera = this.camera ?? { x: 0, y: 0, k: 1 };
    const quick = this.#cost > 0 && this.#cost < SMOOTH_FRAME;
    const births = quick && !this.#still && now - this.data.bornLast < SETTLE;
    const { theme } = this.#dress;
    const share = this.#shareAt(now);
    const bitmap = painter.draw(this.data, { ...this.#size, camera, fit: this.#fit, theme, now, births, share });
    this.#share = share;
    this.#settled = !births;
    this.#drawn = this.data.version.any;
    this.#dirty = false;
    return { bitmap, camera, labels: this.#captions.place(this.#scene(camera), ruler, now) };
  }

  /** When the camera moved, or what is drawn was moved by hand. */
  get #stirredAt(): number {
    return Math.max(this.#movedAt, this.data.stirredAt);
  }

  #moving(now: number): boolean {
    return now - this.#stirredAt < REST;
  }

  #shareAt(now: number): number {
    const budget = this.#moving(now) ? MOVING_FRAME : this.data.running ? SLOWEST / PART : Infinity;
    return this.#cost > budget ? Math.max(LEAST_SHARE, budget / this.#cost) : 1;
  }

  #scene(camera: Camera) {
    return { ...this.#size, ...this.#dress, camera };
  }
}
