/** The view's desk: takes the page's messages, keeps datasets and plots, and says what changed, not too often. */
import type { FromView, Look, ToView } from "./api";
import { Dataset } from "./dataset";
import { Painting } from "./painting";

export type Post = (message: FromView, transfer?: Transferable[]) => void;

/** Milliseconds between two reports on the same data, which take at most a tenth of the time. */
const REPORT = 200;
const SHARE = 10;
const POINT_RADIUS = 9;

interface Desk {
  id: string;
  data: Dataset;
  /** A look that came and is not taken yet: who drags sends many, of which the last one counts. */
  look: Look | null;
  stale: boolean;
  reportedAt: number;
  cost: number;
  extent: string;
}

type DataMessage = Exclude<ToView, { view: string } | { type: "open" | "look" }>;

export class ViewEngine {
  readonly #post: Post;
  readonly #desks = new Map<string, Desk>();
  readonly #painting: Painting;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(post: Post) {
    this.#post = post;
    this.#painting = new Painting(post, () => this.#schedule(0));
  }

  /** For tests: null before the first plot, and where there is no WebGL2. */
  get context(): WebGL2RenderingContext | null {
    return this.#painting.context;
  }

  handle(message: ToView): void {
    if (message.type === "look") this.#deskOf(message.data).look = message.look;
    else this.#take(message);
    this.#schedule(0);
  }

  #take(message: Exclude<ToView, { type: "look" }>): void {
    this.#settle();
    if (message.type === "open") this.#open(message);
    else if (message.type === "attach") this.#painting.attach(message, this.#deskOf(message.data).data);
    else if (message.type === "point") this.#point(message);
    else if ("view" in message) this.#painting.handle(message);
    else this.#handleData(message, this.#deskOf(message.data));
  }

  /** Takes the looks that wait. */
  #settle(): void {
    for (const desk of this.#desks.values()) {
      const { look, data } = desk;
      if (!look) continue;
      // Who drags the threshold looks at the counts.
      if (look.threshold !== data.look?.threshold) desk.reportedAt = -Infinity;
      desk.look = null;
      desk.stale = true;
      data.setLook(look, performance.now() / 1000);
    }
  }

  #handleData(message: DataMessage, desk: Desk): void {
    const { data } = desk;
    const post = this.#post;
    switch (message.type) {
      case "table": {
        const { req, start, count, columns } = message;
        return post({ type: "table", req, slice: data.slice(start, count, columns) });
      }
      case "locate":
        return post({ type: "located", req: message.req, position: data.locate(message.row) });
      case "place":
        return post({ type: "pointed", req: message.req, pointed: data.pointed(message.row) });
      case "close":
        this.#painting.forget(data);
        this.#desks.delete(desk.id);
        return;
      default:
        this.#change(message, desk);
        desk.stale = true;
    }
  }

  #change(message: Exclude<DataMessage, { req: number } | { type: "close" }>, desk: Desk): void {
    const { data } = desk;
    switch (message.type) {
      case "state":
        return data.setRun(message.state);
      case "rows":
        return data.takeRows(message.rows, performance.now() / 1000);
      case "column":
        return data.takePiece(message.piece);
      case "sort":
        desk.reportedAt = -Infinity;
        return data.setSort(message.sort);
      case "select": {
        desk.reportedAt = -Infinity;
        const { bits, count } = data.select(message.select);
        if (message.select.by !== "bits") this.#post({ type: "selected", data: desk.id, bits, count });
      }
    }
  }

  #open({ data: id, schema, state }: Extract<ToView, { type: "open" }>): void {
    const before = this.#deskOf(id).data;
    const data = new Dataset(schema, state);
    this.#desks.set(id, { data, id, look: null, stale: true, reportedAt: -Infinity, cost: 0, extent: "" });
    if (before.look) data.setLook({ ...before.look, filters: [], focus: -1 });
    this.#painting.replace(before, data);
  }

  /** A plot may be on the screen before anything is known of its cells. */
  #deskOf(id: string): Desk {
    let desk = this.#desks.get(id);
    if (!desk) {
      desk = { data: Dataset.empty(), id, look: null, stale: false, reportedAt: -Infinity, cost: 0, extent: "" };
      this.#desks.set(id, desk);
    }
    return desk;
  }

  #point({ view, req, x, y }: Extract<ToView, { type: "point" }>): void {
    const plot = this.#painting.plot(view);
    const camera = plot?.camera;
    const pointed = camera
      ? plot.data.pointAt((x - camera.x) / camera.k, (camera.y - y) / camera.k, POINT_RADIUS / camera.k)
      : null;
    this.#post({ type: "pointed", req, pointed });
  }

  #schedule(wait: number): void {
    if (this.#timer !== null && wait > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const next = this.#work();
      if (next !== null) this.#schedule(Math.max(1, next));
    }, wait);
  }

  /** Reports and draws what is due; returns the milliseconds until more is, or null. */
  #work(): number | null {
    this.#settle();
    const waits = [...this.#desks.values()].map((desk) => this.#report(desk));
    const due = [...waits, this.#painting.work()].filter((wait) => wait !== null);
    return due.length > 0 ? Math.min(...due) : null;
  }

  #report(desk: Desk): number | null {
    if (!desk.stale) return null;
    const now = performance.now();
    const wait = desk.reportedAt + Math.max(REPORT, SHARE * desk.cost) - now;
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
}
