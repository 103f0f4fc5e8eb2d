/** One widget's data and its plots, as the page holds them. */
import type { DataEvents, FromView, PlotView, ToView, ViewData } from "./api";

type Frame = Extract<FromView, { type: "frame" }>;

export interface Link {
  listen(data: string, events: DataEvents | null): void;
  watch(view: string, onFrame: ((frame: Frame) => void) | null): void;
  send(message: ToView, transfer?: Transferable[]): void;
  ask<T>(make: (req: number) => ToView): Promise<T>;
}

let views = 0;

/** The view also runs where there is no document to look at. */
const page = (globalThis as unknown as { document?: EventTarget & { hidden: boolean } }).document;

/** At once on a page that is on the screen; else when it is again, so that nothing is drawn for a hidden tab. */
function whenSeen(then: () => void): void {
  if (page?.hidden) page.addEventListener("visibilitychange", () => whenSeen(then), { once: true });
  else then();
}

export function makeData(link: Link, data: string, release: () => void): ViewData {
  let closed = false;
  return {
    listen: (events) => link.listen(data, events),
    open: (schema, state) => link.send({ type: "open", data, schema, state }),
    state: (state) => link.send({ type: "state", data, state }),
    rows: (rows) => {
      const buffers = [rows.rows, ...rows.columns.map((column) => column.values)].map((values) => values.buffer);
      link.send({ type: "rows", data, rows }, distinct(buffers));
    },
    column: (piece) => {
      const buffers = [piece.values, piece.bytes, piece.labels].flatMap((values) => (values ? [values.buffer] : []));
      link.send({ type: "column", data, piece }, distinct(buffers));
    },
    look: (look) => link.send({ type: "look", data, look }),
    select: (select) => link.send({ type: "select", data, select }),
    sort: (sort) => link.send({ type: "sort", data, sort }),
    table: (start, count, columns) => link.ask((req) => ({ type: "table", data, req, start, count, columns })),
    locate: (row) => link.ask((req) => ({ type: "locate", data, req, row })),
    place: (row) => link.ask((req) => ({ type: "place", data, req, row })),
    attach: (size, theme, still, onFrame) => {
      const view = `${data}/${++views}`;
      link.watch(view, (frame) => {
        try {
          onFrame(frame.bitmap, frame.camera, frame.labels);
        } finally {
          whenSeen(() => link.send({ type: "shown", view }));
        }
      });
      link.send({ type: "attach", view, data, ...size, theme, still });
      return makePlot(link, view);
    },
    close: () => {
      if (closed) return;
      closed = true;
      link.send({ type: "close", data });
      link.listen(data, null);
      release();
    },
  };
}

function makePlot(link: Link, view: string): PlotView {
  return {
    resize: (width, height, dpr) => link.send({ type: "resize", view, width, height, dpr }),
    camera: (camera, fit) => link.send({ type: "camera", view, camera, fit }),
    theme: (theme) => link.send({ type: "theme", view, theme }),
    dress: (labels, avoid) => link.send({ type: "dress", view, labels, avoid }),
    point: (x, y) => link.ask((req) => ({ type: "point", view, req, x, y })),
    detach: () => {
      link.send({ type: "detach", view });
      link.watch(view, null);
    },
  };
}

/** A buffer can be transferred once; pieces that share one are copied instead. */
function distinct(buffers: ArrayBufferLike[]): ArrayBuffer[] {
  return new Set(buffers).size === buffers.length ? (buffers as ArrayBuffer[]) : [];
}
