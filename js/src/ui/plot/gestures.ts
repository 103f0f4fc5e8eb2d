import type { LassoMode, PlotController } from "./controller";

/** Pixels that a press may wander and still be a click. */
const SLACK = 3;
const STEP = 24;
const ZOOM_STEP = 1.25;

export interface Gestures {
  onWheel(event: WheelEvent): void;
  onDown(event: PointerEvent): void;
  onMove(event: PointerEvent): void;
  onLeave(): void;
  onDoubleClick(event: MouseEvent): void;
  onKey(event: KeyboardEvent): void;
}

export interface Reactions {
  /** Something was pinned or selected that Inspect shows. */
  inspect(): void;
  /** Escape: let go of what is held; returns whether there was anything. */
  release(): boolean;
}

/** Tools, cards and messages lie in the plot and are not the plot. */
const onPlot = (event: Event) => !(event.target as Element).closest(".tools, .mid button");

function at(event: MouseEvent, plot: HTMLElement): [number, number] {
  const box = plot.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** A drag pans, or draws a lasso; a press that does not wander is a click. */
function drag(plot: HTMLElement, controller: PlotController, down: PointerEvent, reactions: Reactions): void {
  const lasso = down.shiftKey || down.altKey || controller.tool.peek() === "lasso";
  const mode: LassoMode = down.altKey ? "remove" : down.ctrlKey || down.metaKey ? "add" : "replace";
  const from = at(down, plot);
  let last = from;
  let moved = false;
  const stop = new AbortController();
  const { signal } = stop;

  const move = (event: PointerEvent) => {
    const here = at(event, plot);
    if (!moved && Math.hypot(here[0] - from[0], here[1] - from[1]) < SLACK) return;
    if (!moved && lasso) controller.draw(...from);
    moved = true;
    plot.dataset.dragging = "true";
    if (lasso) controller.draw(...here);
    else controller.pan(here[0] - last[0], here[1] - last[1]);
    last = here;
  };
  const end = async () => {
    stop.abort();
    delete plot.dataset.dragging;
    if (moved && lasso && controller.close(mode)) reactions.inspect();
    if (!moved && (await controller.pin(...from))) reactions.inspect();
  };
  plot.setPointerCapture(down.pointerId);
  plot.addEventListener("pointermove", move, { signal });
  plot.addEventListener("pointerup", end, { signal });
  plot.addEventListener("pointercancel", () => stop.abort(), { signal });
}

const PANS: Record<string, [number, number]> = {
  ArrowLeft: [STEP, 0],
  ArrowRight: [-STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};
const ZOOMS: Record<string, number> = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP, _: 1 / ZOOM_STEP };

/** Whether the key meant something here. */
function press(key: string, controller: PlotController, reactions: Reactions): boolean {
  const by = PANS[key];
  if (by) controller.pan(...by);
  else if (ZOOMS[key]) controller.zoomMiddle(ZOOMS[key]);
  else if (key === "0") controller.fit();
  else return key === "Escape" && reactions.release();
  return true;
}

export function gesturesOf(plot: HTMLElement, controller: PlotController, reactions: Reactions): Gestures {
  const focused = () => (plot.getRootNode() as ShadowRoot | Document).activeElement === plot;
  return {
    // A wheel over a plot that nobody asked for belongs to the page.
    onWheel(event) {
      if (!focused() && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 20 : event.deltaY;
      controller.zoom(...at(event, plot), Math.exp(-pixels * (event.ctrlKey ? 0.006 : 0.0015)));
    },
    onDown(event) {
      if (event.button === 0 && onPlot(event)) drag(plot, controller, event, reactions);
    },
    onMove(event) {
      if (event.buttons === 0 && onPlot(event)) controller.hover(...at(event, plot));
      else controller.leave();
    },
    onLeave: () => controller.leave(),
    onDoubleClick(event) {
      if (onPlot(event)) controller.fit();
    },
    onKey(event) {
      if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!press(event.key, controller, reactions)) return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}
