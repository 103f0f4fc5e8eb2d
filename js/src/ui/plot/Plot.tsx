import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Store } from "../../store";
import type { Pointed, Theme } from "../../view/api";
import { useStore } from "../context";
import { plural } from "../format";
import { usePlace } from "../parts/usePlace";
import { isUnlike, limitOf } from "../unlike";
import { toScreen } from "./camera";
import { placeCard, type Rect } from "./card";
import { PlotController } from "./controller";
import { gesturesOf } from "./gestures";
import { cardHeight, HoverCard, needsValue } from "./HoverCard";
import { Caption, Message } from "./Message";
import { Overlay } from "./Overlay";
import { Tools } from "./Tools";

/** Puts pictures on the canvas, whose size is the picture's: between a resize and its picture nothing is stretched. */
function painter(canvas: { current: HTMLCanvasElement | null }): (bitmap: ImageBitmap) => void {
  return (bitmap) => {
    const element = canvas.current;
    if (!element) return bitmap.close();
    const dpr = devicePixelRatio || 1;
    element.style.width = `${bitmap.width / dpr}px`;
    element.style.height = `${bitmap.height / dpr}px`;
    element.width = bitmap.width;
    element.height = bitmap.height;
    element.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  };
}

function cardRect(cell: Pointed, controller: PlotController, store: Store, plot: HTMLElement): Rect | null {
  const frame = controller.frame.value;
  if (!frame) return null;
  const [x, y] = toScreen(frame.camera, cell.x, cell.y);
  if (!(x >= 0 && y >= 0 && x <= plot.clientWidth && y <= plot.clientHeight)) return null;
  const height = cardHeight(cell, [
    needsValue(store.color.value),
    isUnlike(cell.distance, limitOf(store.schema.value)),
  ]);
  return placeCard(x, y, height, { width: plot.clientWidth, height: plot.clientHeight }, frame.labels);
}

interface Props {
  theme: Theme;
  /** Little room: only the tools that matter most. */
  compact: boolean;
  /** Something was pinned or selected on the plot. */
  onInspect(): void;
}

export function Plot({ theme, compact, onInspect }: Props) {
  const store = useStore();
  const plot = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const controller = useMemo(() => new PlotController(store, theme, still, painter(canvas)), [store]);
  useEffect(() => () => controller.dispose(), [controller]);
  useEffect(() => controller.theme(theme), [controller, theme]);

  useLayoutEffect(() => {
    const element = plot.current;
    if (!element) return;
    const frame = element.closest<HTMLElement>(".cw");
    const measure = () => {
      const outer = `${frame?.offsetWidth} ${frame?.offsetHeight}`;
      controller.resize(element.clientWidth, element.clientHeight, devicePixelRatio || 1, outer);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [controller]);

  const inspect = useRef(onInspect);
  inspect.current = onInspect;
  useLayoutEffect(() => {
    const element = plot.current;
    if (!element) return;
    const gestures = gesturesOf(element, controller, { inspect: () => inspect.current(), release: store.release });
    const stop = new AbortController();
    const { signal } = stop;
    element.addEventListener("wheel", gestures.onWheel, { signal, passive: false });
    element.addEventListener("pointerdown", gestures.onDown, { signal });
    element.addEventListener("pointermove", gestures.onMove, { signal });
    element.addEventListener("pointerleave", gestures.onLeave, { signal });
    element.addEventListener("dblclick", gestures.onDoubleClick, { signal });
    element.addEventListener("keydown", gestures.onKey, { signal });
    return () => stop.abort();
  }, [controller, store]);

  const pinned = usePlace(store.pin.value?.row ?? null);
  const cell = controller.pointed.value ?? pinned;
  const card = cell && plot.current ? cardRect(cell, controller, store, plot.current) : null;
  const loaded = store.schema.value !== null;
  const drawn = store.gl.value === "ok";
  return (
    <div
      ref={plot}
      class="plot"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application region is interactive
      tabIndex={0}
      role="application"
      aria-label={`Map of ${plural(store.run.value?.total ?? 0, "cell")}: arrows pan, plus and minus zoom, 0 fits`}
      data-tool={controller.tool.value}
    >
      <canvas ref={canvas} hidden={!drawn} />
      {drawn && <Overlay controller={controller} ringed={cell} card={card} />}
      {loaded && drawn && <Tools controller={controller} plot={plot} compact={compact} />}
      {!compact && <Caption />}
      <Message />
      {drawn && cell && card && <HoverCard cell={cell} rect={card} />}
    </div>
  );
}
