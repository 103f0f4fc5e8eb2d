/** The view's desk: takes the page's messages, keeps datasets and plots, and says what changed, not too often. */
import type { FromView, ToView } from "./api";
import { Dataset } from "./dataset";
import { Ruler } from "./labels";
import { Painter } from "./painter";
import { Plot } from "./plot";

export type Post = (message: FromView, transfer?: Transferable[]) => void;

/** Milliseconds: between frames, and between two reports on the same data. */
const FRAME = 16;
const REPORT = 100;
/** A picture that the page did not take by then is taken for lost (a hidden tab). */
const UNSEEN = 500;
const POINT_RADIUS = 9;

interface Desk {
  data: Dataset;
  id: string;
  stale: boolean;
  reportedAt: number;
  cost: number;
  extent: string;
}

interface Screen {
  plot: Plot;
  nextAt: number;
  shownAt: number;
  waiting: boolean;
}

export class ViewEngine {
  readonly #post: Post;
  readonly #desks = new Map<string, Desk>();
  readonly #screens = new Map<string, Screen>();
  #painter: Painter | null | undefined;
  #ruler: Ruler | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(post: Post) {
    this.#post = post;
  }

  /** For tests. */
  get painter(): Painter | null {
    return this.#painter ?? null;
  }

  handle(message: ToView): void {
    if ("view" in message) this.#handleView(message);
    else this.#handleData(message);
    this.#schedule(0);
  }

  #handleData(message: Exclude<ToView, { view: string }>): void {
    if (message.type === "open") return this.#open(message);
    const desk = this.#desks.get(message.data) ?? this.#newDesk(message.data, Dataset.empty());
    const { data } = desk;
    switch (message.type) {
      case "state":
        return data.setRun(message.state);
      case "rows":
        data.takeRows(message.rows, performance.now() / 1000);
        break;
      case "column":
        data.takePiece(message.piece);
        break;
      case "look":
        data.setLook(message.look);
        break;
      case "select": {
        const { bits, count } = data.select(message.select);
        if (message.select.by !== "bits") this.#post({ type: "selected", data: desk.id, bits, count });
        desk.reportedAt = 0;
        break;
      }
      case "sort":
        data.setSort(message.sort);
        desk.reportedAt = 0;
        break;
      case "table":
        return this.#post({
          type: "table",
          req: message.req,
          slice: data.slice(message.start, message.count, message.columns),
        });
      case "locate":
        return this.#post({ type: "located", req: message.req, position: data.locate(message.row) });
      case "place":
        return this.#post({ type: "pointed", req: message.req, pointed: data.pointed(message.row) });
      case "close":
        return this.#close(desk);
    }
    desk.stale = true;
  }

  #open({ data: id, schema, state }: Extract<ToView, { type: "open" }>): void {
    const before = this.#desks.get(id);
    const { data } = this.#newDesk(id, new Dataset(schema, state));
    if (!before) return;
    if (before.data.look) data.setLook({ ...before.data.look, filters: [], focus: -1 });
    this.#painter?.forget(before.data);
    for (const screen of this.#screens.values())
      if (screen.plot.data === before.data) screen.plot = screen.plot.showing(data);
  }

  #newDesk(id: string, data: Dataset): Desk {
    const desk = { data, id, stale: true, reportedAt: 0, cost: 0, extent: "" };
    this.#desks.set(id, desk);
    return desk;
  }

  #close(desk: Desk): void {
    for (const [view, { plot }] of this.#screens) if (plot.data === desk.data) this.#screens.delete(view);
    this.#painter?.forget(desk.data);
    this.#desks.delete(desk.id);
  }

  #handleView(message: Extract<ToView, { view: string }>): void {
    if (message.type === "attach") return this.#attach(message);
    const screen = this.#screens.get(message.view);
    if (!screen) return;
    const { plot } = screen;
    switch (message.type) {
      case "resize":
        plot.width = message.width;
        plot.height = message.height;
        plot.dpr = message.dpr;
        return plot.touch();
      case "camera":
        screen.nextAt = Math.min(screen.nextAt, performance.now() + FRAME);
        return plot.move(message.camera, message.fit, performance.now() / 1000);
      case "theme":
        plot.theme = message.theme;
        return plot.touch();
      case "dress":
        plot.labels = message.labels;
        plot.avoid = message.avoid;
        return plot.touch();
      case "shown":
        screen.waiting = false;
        return;
      case "point":
        return this.#point(plot, message.req, message.x, message.y);
      case "detach":
        this.#screens.delete(message.view);
    }
  }

  #attach(message: Extract<ToView, { type: "attach" }>): void {
    // a plot may be on the screen before anything is known of its cells
    const desk = this.#desks.get(message.data) ?? this.#newDesk(message.data, Dataset.empty());
    const plot = new Plot(desk.data, message, message.theme, message.still);
    this.#screens.set(message.view, { plot, nextAt: 0, shownAt: 0, waiting: false });
    if (this.#painter === undefined) this.#makePainter();
    else this.#post({ type: "gl", state: this.#painter === null ? "none" : this.#painter.lost ? "lost" : "ok" });
  }

  #makePainter(): void {
    try {
      this.#ruler = new Ruler();
      this.#painter = new Painter((state) => {
        this.#post({ type: "gl", state });
        for (const { plot } of this.#screens.values()) plot.touch();
        this.#schedule(0);
      });
      this.#post({ type: "gl", state: "ok" });
    } catch (error) {
      console.warn("cellwidget: no map, since", error);
      this.#painter = null;
      this.#post({ type: "gl", state: "none" });
    }
  }

  #point(plot: Plot, req: number, x: number, y: number): void {
    const { camera, data } = plot;
    if (!camera) return this.#post({ type: "pointed", req, pointed: null });
    const row = data.nearest((x - camera.x) / camera.k, (camera.y - y) / camera.k, POINT_RADIUS / camera.k);
    this.#post({ type: "pointed", req, pointed: row < 0 ? null : data.pointed(row) });
  }

  #schedule(wait: number): void {
    if (this.#timer !== null && wait > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const next = this.#work();
      if (next !== null) this.#schedule(Math.max(4, next));
    }, wait);
  }

  /** Reports and draws what is due; returns the milliseconds until more is, or null. */
  #work(): number | null {
    const waits = [...this.#desks.values()].map((desk) => this.#report(desk));
    waits.push(...[...this.#screens].map(([view, screen]) => this.#draw(view, screen)));
    const due = waits.filter((wait) => wait !== null);
    return due.length > 0 ? Math.min(...due) : null;
  }

  #report(desk: Desk): number | null {
    if (!desk.stale) return null;
    const now = performance.now();
    const wait = desk.reportedAt + Math.max(REPORT, 9 * desk.cost) - now;
    if (wait > 0) return wait;
    const { data, id } = desk;
    const extent = data.extent();
    if (JSON.stringify(extent) !== desk.extent) {
      desk.extent = JSON.stringify(extent);
      this.#post({ type: "extent", data: id, extent });
    }
    this.#post({ type: "counts", data: id, counts: data.counts() });
    this.#post({ type: "table-changed", data: id, total: data.shown });
    desk.stale = false;
    desk.reportedAt = performance.now();
    desk.cost = desk.reportedAt - now;
    return null;
  }

  #draw(view: string, screen: Screen): number | null {
    const now = performance.now();
    const { plot } = screen;
    if (!this.#painter || !this.#ruler || this.#painter.lost) return null;
    if (!plot.due(now / 1000)) return plot.resting(now / 1000);
    if (screen.waiting && now - screen.shownAt < UNSEEN) return FRAME;
    if (now < screen.nextAt) return screen.nextAt - now;
    const frame = plot.draw(this.#painter, this.#ruler, now / 1000);
    this.#post({ type: "frame", view, ...frame }, [frame.bitmap]);
    screen.waiting = true;
    screen.shownAt = performance.now();
    screen.nextAt = screen.shownAt + Math.max(FRAME, 1000 * plot.pause);
    return FRAME;
  }
}
