import { useRef, useState } from "preact/hooks";
import { css } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import type { Counts, Look } from "../../view/api";
import { unassignedCode } from "../../view/effective";
import { useStore } from "../context";
import { count } from "../format";
import { ROW } from "../layout";
import { useScroll } from "../parts/useScroll";
import { listHeight, scrollTo, spanOf } from "../parts/window";
import { byCount, isolated, listed, type Off, toggled } from "./hide";

const NONE: Off = new Set();

interface RowProps {
  code: number;
  name: string;
  color: string;
  count: number;
  most: number;
  off: boolean;
  active: boolean;
  empty: boolean;
  top: number;
  id: string;
  onClick(event: MouseEvent): void;
  onPoint(on: boolean): void;
}

function Row({ name, color, count: n, most, off, active, empty, top, id, onClick, onPoint }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and the keys
    <div
      id={id}
      class={`lg${off ? " off" : ""}${active ? " on" : ""}`}
      role="option"
      tabIndex={-1}
      aria-selected={!off}
      title={`${name}. Click: only this. Ctrl-click: hide or show`}
      style={{ top: `${top}px`, "--c": color }}
      onClick={onClick}
      // Not `enter`: a list that opens under a mouse at rest is not pointed at.
      onMouseMove={() => onPoint(true)}
      onMouseLeave={() => onPoint(false)}
    >
      <span class={off || empty ? "dot ring" : "dot"} />
      <span class="nm ell">{name}</span>
      <span class="n">{empty ? "" : count(n)}</span>
      <span class="share">{!empty && n > 0 && <i style={{ width: `${(100 * n) / most}%` }} />}</span>
    </div>
  );
}

/** While someone points at the list or is in it with keys, rows stay where they are. */
function useOrder(column: ColumnSpec, counts: ArrayLike<number>, threshold: number, held: boolean): number[] {
  const last = useRef<{ column: ColumnSpec; open: boolean; order: number[] } | null>(null);
  // A threshold brings a row, which has to be seen.
  const open = threshold > 0;
  if (held && last.current?.column === column && last.current.open === open) return last.current.order;
  const order = listed(column, counts, threshold);
  last.current = held ? { column, open, order } : null;
  return order;
}

interface Props {
  column: ColumnSpec;
  look: Look;
  /** Of this very column; null while they are not here yet. */
  counts: Counts | null;
  /** Training cells per label, where these are shown alone. */
  training: Uint32Array | null;
}

/** A bar chart of categories that is also the switchboard: click isolates, Ctrl-click toggles, hover highlights. */
export function Categories({ column, look, counts, training }: Props) {
  const store = useStore();
  const scroll = useScroll();
  const [held, setHeld] = useState(false);
  const [at, setAt] = useState(-1);
  const names = column.categories ?? [];
  const counted = training ?? counts?.categories ?? null;
  const numbers = counted ?? new Uint32Array(names.length);
  // Every training cell has a label.
  const threshold = training ? 0 : store.threshold.value;
  const order = useOrder(column, numbers, threshold, held && numbers.some((n) => n > 0));
  const most = Math.max(1, numbers[byCount(numbers)[0] ?? 0] ?? 1);
  const off = store.hidden.value.get(column.id) ?? NONE;
  const empty = counted === null || (!training && counts?.done === 0 && column.group === "result");
  // Cells without a label stand under the list, always in sight.
  const unassigned = unassignedCode(column);
  const pinned = unassigned >= 0 && order.at(-1) === unassigned;
  const scrolled = order.length - Number(pinned);
  const span = spanOf(scrolled, ROW, scroll.top, scroll.height);

  const isolate = (code: number) => store.hide(column.id, isolated(off, code, names.length));
  const toggle = (code: number) => store.hide(column.id, toggled(off, code));
  const point = (code: number) => {
    // What is hidden has nothing to show: all others would be ghosts of it.
    store.focus.value = off.has(code) ? -1 : code;
  };
  const move = (to: number) => {
    const next = Math.max(0, Math.min(order.length - 1, to));
    setAt(next);
    point(order[next] ?? -1);
    if (next < scrolled) scroll.to(scrollTo(scrolled, ROW, scroll.top, scroll.height, next));
  };
  const key = (event: KeyboardEvent) => {
    const code = order[at];
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (by !== undefined) move(at + by);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(order.length - 1);
    else if (event.key === "Enter" && code !== undefined) isolate(code);
    else if (event.key === " " && code !== undefined) toggle(code);
    else if (event.key === "Escape" && off.size > 0) store.hide(column.id, NONE);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const leave = () => {
    setHeld(false);
    setAt(-1);
    point(-1);
  };

  const row = (code: number, place: number, top: number) => (
    <Row
      key={code}
      id={`lg-${code}`}
      code={code}
      name={names[code] ?? ""}
      color={css(look.palette[code] ?? [128, 128, 128])}
      count={numbers[code] ?? 0}
      most={most}
      off={off.has(code)}
      active={place === at}
      empty={empty}
      top={top}
      onClick={(event) => (event.ctrlKey || event.metaKey ? toggle(code) : isolate(code))}
      onPoint={(on) => point(on ? code : -1)}
    />
  );

  const bottom = scroll.height + scroll.top < listHeight(scrolled, ROW) - 2;
  return (
    <div
      class="list"
      role="listbox"
      tabIndex={0}
      aria-multiselectable
      aria-label={`Categories of ${column.name}: Enter shows only one, Space hides or shows`}
      aria-activedescendant={at >= 0 ? `lg-${order[at]}` : undefined}
      onKeyDown={key}
      onFocus={() => setHeld(true)}
      onBlur={leave}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={leave}
    >
      <div ref={scroll.ref} class={bottom ? "scroll fade" : "scroll"} role="presentation" tabIndex={-1}>
        <div class="rows" role="presentation" style={{ height: `${listHeight(scrolled, ROW)}px` }}>
          {order
            .slice(span.first, Math.min(span.first + span.count, scrolled))
            .map((code, i) => row(code, span.first + i, span.top + i * ROW))}
        </div>
      </div>
      {pinned && row(unassigned, scrolled, 0)}
    </div>
  );
}
