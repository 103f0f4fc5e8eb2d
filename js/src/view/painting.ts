/** All plots of the page and the one painter: whose picture is due, one at a time, each when the page took the last. */
import type { FromView, ToView } from "./api";
import type { Dataset } from "./dataset";
import { Ruler } from "./labels";
import { Painter } from "./painter";
import { Plot } from "./plot";

/** Milliseconds: between frames, and between two looks at whether the graphics card is done. */
const FRAME = 16;
const POLL = 2;

type Attach = Extract<ToView, { type: "attach" }>;
export type ViewMessage = Exclude<Extract<ToView, { view: string }>, { type: "attach" | "point" }>;

interface Screen {
  view: string;
  plot: Plot;
  beganAt: number;
  /** People move the camera: that goes before the run. */
  hurry: boolean;
  /** The page has not taken the last picture yet. */
  waiting: boolean;
}

export class Painting {
  readonly #post: (message: FromView, transfer?: Transferable[]) => void;
  readonly #wake: () => void;
  readonly #screens = new Map<string, Screen>();
  /** undefined: not needed yet; null: there is no WebGL2. */
  #painter: Painter | null | undefined;
  #ruler: Ruler | null = null;
  /** Whose picture the graphics card is at. */
  #drawing: Screen | null = null;

  constructor(post: (message: FromView, transfer?: Transferable[]) => void, wake: () => void) {
    this.#post = post;
    this.#wake = wake;
  }

  get context(): WebGL2RenderingContext | null {
    return this.#painter?.context ?? null;
  }

  plot(view: string): Plot | undefined {
    return this.#screens.get(view)?.plot;
  }

  attach(message: Attach, data: Dataset): void {
    const { view, theme, still } = message;
    const plot = new Plot(data, message, theme, still);
    this.#screens.set(view, { view, plot, beganAt: -FRAME, hurry: false, waiting: false });
    if (this.#painter === undefined) this.#makePainter();
    this.#post({ type: "gl", state: !this.#painter ? "none" : this.#painter.lost ? "lost" : "ok" });
  }

  handle(message: ViewMessage): void {
    const screen = this.#screens.get(message.view);
    if (!screen) return;
    const { plot } = screen;
    switch (message.type) {
      case "resize":
        return plot.resize(message.width, message.height, message.dpr);
      case "camera":
        screen.hurry = true;
        return plot.move(message.camera, message.fit, performance.now() / 1000);
      case "theme":
        return plot.dress({ theme: message.theme });
      case "dress":
        return plot.dress({ labels: message.labels, avoid: message.avoid });
      case "shown":
        screen.waiting = false;
        return;
      case "detach":
        this.#screens.delete(message.view);
    }
  }

  /** The same plots show other data from now on. */
  replace(before: Dataset, data: Dataset): void {
    this.#painter?.forget(before);
    for (const screen of this.#screens.values())
      if (screen.plot.data === before) screen.plot = screen.plot.showing(data);
  }

  forget(data: Dataset): void {
    this.#painter?.forget(data);
    for (const { view, plot } of this.#screens.values()) if (plot.data === data) this.#screens.delete(view);
  }

  /** Draws the picture that waits longest; returns the milliseconds until there is more to do, or null. */
  work(): number | null {
    const painter = this.#painter;
    if (!painter || painter.lost) return null;
    const now = performance.now();
    if (painter.busy()) return POLL;
    if (this.#drawing) this.#drawing.plot.charge(now - this.#drawing.beganAt);
    this.#drawing = null;
    let soonest: number | null = null;
    for (const screen of [...this.#screens.values()].sort((a, b) => a.beganAt - b.beganAt)) {
      const wait = this.#waitOf(screen, now);
      if (wait !== null && wait <= 0) {
        this.#draw(painter, screen, now);
        return POLL;
      }
      if (wait !== null) soonest = Math.min(soonest ?? wait, wait);
    }
    return soonest;
  }

  /** Milliseconds until a plot may be drawn; null where there is nothing to draw or the page will call. */
  #waitOf({ plot, waiting, beganAt, hurry }: Screen, now: number): number | null {
    if (waiting) return null;
    if (!plot.due(now / 1000)) return plot.resting(now / 1000);
    return beganAt + Math.max(FRAME, hurry ? 0 : plot.interval) - now;
  }

  #draw(painter: Painter, screen: Screen, now: number): void {
    if (!this.#ruler) this.#ruler = new Ruler();
    const frame = screen.plot.draw(painter, this.#ruler, now / 1000);
    this.#post({ type: "frame", view: screen.view, ...frame }, [frame.bitmap]);
    Object.assign(screen, { waiting: true, beganAt: now, hurry: false });
    this.#drawing = screen;
  }

  #makePainter(): void {
    try {
      this.#painter = new Painter((state) => {
        this.#post({ type: "gl", state });
        this.#drawing = null;
        for (const { plot } of this.#screens.values()) plot.touch();
        this.#wake();
      });
    } catch (error) {
      // biome-ignore lint/suspicious/noConsole: people read that there is no map; why is for whoever looks for it
      console.warn("cellwidget: no map, since", error);
      this.#painter = null;
    }
  }
}
