import { effect, signal } from "@preact/signals";
import type { Store } from "../../store";
import type { Camera, PlacedLabel, PlotView, Pointed, Theme } from "../../view/api";
import { type Box, fitTo, pan, resized, shows, toData, zoom } from "./camera";

export interface Frame {
  camera: Camera;
  labels: PlacedLabel[];
}

export type Tool = "pan" | "lasso";
export type LassoMode = "replace" | "add" | "remove";

/** Corners of the plot that labels keep out of: tools on both sides, the caption. */
function reserved({ width, height }: Box, choice: boolean): [number, number, number, number][] {
  return [
    [0, 0, 68, 40],
    [width - (choice ? 258 : 124), 0, width, 40],
    [0, height - 30, 190, height],
  ];
}

/** Training cells have no number: their place tells them apart. */
const same = (a: Pointed | null, b: Pointed | null) => a?.row === b?.row && a?.x === b?.x && a?.y === b?.y;

/** One plot on the screen: its camera and tool, what the mouse points at, and the view that draws it. */
export class PlotController {
  /** What the last picture was drawn with: whatever lies over it moves in the same instant. */
  readonly frame = signal<Frame | null>(null);
  readonly pointed = signal<Pointed | null>(null);
  readonly tool = signal<Tool>("pan");
  readonly labels = signal(true);
  /** The lasso under way, in data space: x, y, x, y, … */
  readonly drawing = signal<readonly number[] | null>(null);

  readonly #store: Store;
  readonly #still: boolean;
  readonly #show: (bitmap: ImageBitmap) => void;
  readonly #stop: () => void;
  #view: PlotView | null = null;
  #theme: Theme;
  #box: Box = { width: 0, height: 0 };
  #camera: Camera = { x: 0, y: 0, k: 1 };
  #fitted = 1;
  /** People moved the camera: from then on it is theirs. */
  #touched = false;
  #outer = "";
  #asking = false;
  #next: [number, number] | null = null;

  constructor(store: Store, theme: Theme, still: boolean, show: (bitmap: ImageBitmap) => void) {
    this.#store = store;
    this.#theme = theme;
    this.#still = still;
    this.#show = show;
    this.#stop = effect(() => {
      if (store.extent.value && !this.#touched) this.#follow();
    });
  }

  /** `outer`: the widget's own size. Where that changes the map is fitted anew; a strip that takes room only crops it. */
  resize(width: number, height: number, dpr: number, outer: string): void {
    if (width === 0 || height === 0) return;
    const fits = outer !== this.#outer && !this.#touched;
    this.#outer = outer;
    const before = this.#box;
    const box = { width, height };
    this.#box = box;
    if (!this.#view) this.#attach(dpr);
    else this.#view.resize(width, height, dpr);
    this.#dress();
    if (before.width === 0) this.#follow();
    else if (fits) this.fit();
    else if (before.width !== width || before.height !== height) this.#move(resized(this.#camera, before, box));
  }

  theme(theme: Theme): void {
    this.#theme = theme;
    this.#view?.theme(theme);
  }

  showLabels(on: boolean): void {
    this.labels.value = on;
    this.#dress();
  }

  fit(): void {
    const extent = this.#store.extent.peek();
    if (!extent || this.#box.width === 0) return;
    this.#touched = false;
    const camera = fitTo(extent, this.#box);
    this.#fitted = camera.k;
    this.#move(camera);
  }

  pan(dx: number, dy: number): void {
    this.#touched = true;
    this.#move(pan(this.#camera, dx, dy));
  }

  zoom(x: number, y: number, factor: number): void {
    this.#touched = true;
    this.#move(zoom(this.#camera, x, y, factor, this.#fitted));
  }

  zoomMiddle(factor: number): void {
    this.zoom(this.#box.width / 2, this.#box.height / 2, factor);
  }

  /** One question at a time, and always the newest: a mouse asks faster than a million points answer. */
  async hover(x: number, y: number): Promise<void> {
    this.#next = [x, y];
    if (this.#asking) return;
    this.#asking = true;
    while (this.#next && this.#view) {
      const at: [number, number] = this.#next;
      const pointed = await this.#view.point(...at);
      if (this.#next === at) this.#next = null;
      if (this.#next !== null || same(this.pointed.peek(), pointed)) continue;
      this.pointed.value = pointed;
    }
    this.#asking = false;
  }

  leave(): void {
    this.#next = null;
    this.pointed.value = null;
  }

  /** The cell under a click, or none, is what Inspect shows. Returns whether there was one. */
  async pin(x: number, y: number): Promise<boolean> {
    const pointed = (await this.#view?.point(x, y)) ?? null;
    const row = pointed && pointed.row >= 0 ? pointed.row : null;
    this.#store.pinCell(row);
    return row !== null;
  }

  draw(x: number, y: number): void {
    const point = toData(this.#camera, x, y);
    this.drawing.value = [...(this.drawing.peek() ?? []), ...point];
  }

  /** Ends the lasso; fewer than three points select nothing and leave all as it was. */
  close(mode: LassoMode): boolean {
    const drawn = this.drawing.peek();
    this.drawing.value = null;
    if (!drawn || drawn.length < 6) return false;
    this.#store.select({ by: "lasso", polygon: Float32Array.from(drawn), mode });
    return true;
  }

  dispose(): void {
    this.#stop();
    this.#view?.detach();
    this.#view = null;
  }

  #attach(dpr: number): void {
    this.#view = this.#store.view.attach({ ...this.#box, dpr }, this.#theme, this.#still, (bitmap, camera, labels) => {
      this.#show(bitmap);
      this.frame.value = { camera, labels };
    });
  }

  #dress(): void {
    this.#view?.dress(this.labels.peek(), reserved(this.#box, (this.#store.schema.peek()?.layout.reference ?? 0) > 0));
  }

  /** New points do not move the view, unless they would fall outside of it and nobody has taken hold of it yet. */
  #follow(): void {
    const extent = this.#store.extent.peek();
    if (!extent || this.#box.width === 0) return;
    if (!this.frame.peek() || !shows(this.#camera, extent, this.#box)) this.fit();
  }

  #move(camera: Camera): void {
    this.#camera = camera;
    this.#view?.camera(camera, this.#fitted);
  }
}
