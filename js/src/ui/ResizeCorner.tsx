import { MIN_HEIGHT } from "./layout";

const STEP = 24;

/** Drag, or arrow keys, to make the widget higher or lower. */
export function ResizeCorner({
  root,
  onHeight,
}: {
  root: { current: HTMLElement | null };
  onHeight(height: number): void;
}) {
  const current = () => root.current?.offsetHeight ?? MIN_HEIGHT;
  const set = (height: number) => onHeight(Math.max(MIN_HEIGHT, Math.round(height)));

  const drag = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    const [from, height] = [event.clientY, current()];
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) => set(height + move.clientY - from);
    handle.onlostpointercapture = () => {
      handle.onpointermove = null;
    };
    event.preventDefault();
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowDown: STEP, ArrowUp: -STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    set(current() + by);
  };

  return (
    <button
      type="button"
      class="resize"
      title="Drag to resize"
      aria-label="Height of the widget: arrow keys change it"
      onPointerDown={drag}
      onKeyDown={key}
    >
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <path d="M9 3 3 9M9 7 7 9" />
      </svg>
    </button>
  );
}
