import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { paletteOf } from "../../palette";
import { useStore } from "../context";
import { plural } from "../format";
import { HEAD, ROW } from "../layout";
import { useScroll } from "../parts/useScroll";
import { listHeight, scrollTo, spanOf } from "../parts/window";
import { limitOf } from "../unlike";
import { GridActions, tickedOf } from "./actions";
import { BodyRow, type Palettes } from "./BodyRow";
import { CHECK_WIDTH, inSight, tableColumns } from "./columns";
import { HeadRow } from "./HeadRow";
import { type Place, step } from "./keys";
import { useSlice } from "./useSlice";

function placeOf(target: EventTarget | null): Place | null {
  const cell = (target as Element | null)?.closest<HTMLElement>("[data-col]");
  const row = cell?.closest<HTMLElement>("[data-row]");
  if (!cell || !row) return null;
  return { row: Number(row.dataset.row), col: Number(cell.dataset.col) };
}

function usePalettes(): Palettes {
  const { schema, dark } = useStore();
  const columns = schema.value?.columns;
  const isDark = dark.value;
  return useMemo(
    () =>
      new Map(
        (columns ?? [])
          // Colours in the table are the model's; obs columns stay text, or every row would be a rainbow.
          .filter(({ id }) => id === "label" || id === "second" || id === "agreement")
          .map((spec) => [spec.id, paletteOf(spec, isDark)]),
      ),
    [columns, isDark],
  );
}

/** All cells, of which only the visible ones are in the DOM: a grid with one tab stop that moves. */
export function Grid({ compact }: { compact: boolean }) {
  const store = useStore();
  const { schema, table, counts, sort } = store;
  const scroll = useScroll();
  const body = Math.max(0, scroll.height - HEAD);
  const total = table.value.total;
  const specs = schema.value?.columns;
  const columns = useMemo(() => tableColumns(specs ?? [], !compact), [specs, compact]);
  const visible = inSight(columns, scroll.left, scroll.width);
  const span = spanOf(total, ROW, scroll.top, body);
  const slice = useSlice(
    span.first,
    span.count,
    visible.map(({ spec }) => spec.id),
  );
  const palettes = usePalettes();
  const [active, setActive] = useState<Place>({ row: -1, col: 1 });
  const anchor = useRef(0);
  const focusing = useRef(false);

  const run = schema.value?.run;
  const wanted = visible.filter(({ spec }) => spec.group === "obs").map(({ spec }) => spec.id);
  useLayoutEffect(() => {
    for (const id of wanted) store.session.want(id);
  }, [store, run, wanted.join("\u0000")]);

  const at: Place = { row: Math.min(active.row, total - 1), col: Math.min(active.col, columns.length) };
  useLayoutEffect(() => {
    if (!focusing.current) return;
    focusing.current = false;
    const cell = scroll.ref.current?.querySelector<HTMLElement>(`[data-row="${at.row}"] > [data-col="${at.col}"]`);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  const actions = new GridActions({ store, columns, slice, total, anchor });
  const click = (event: MouseEvent) => {
    const place = placeOf(event.target);
    if (!place) return;
    setActive(place);
    actions.click(place, event);
  };
  const go = (to: Place) => {
    setActive(to);
    focusing.current = true;
    if (to.row >= 0) scroll.to(scrollTo(total, ROW, scroll.top, body, to.row));
  };
  const key = (event: KeyboardEvent) => {
    const control = event.ctrlKey || event.metaKey;
    const to = step(event.key, control, at, { rows: total, cols: columns.length + 1, page: Math.floor(body / ROW) });
    if (to) {
      if (event.shiftKey && to.row >= 0 && to.row !== at.row) actions.extend(to.row, "replace");
      else if (to.row >= 0) anchor.current = to.row;
      go(to);
    } else if (control && event.key === "a") actions.selectAll();
    else if (control || !actions.press(event.key, at)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const positions = Array.from({ length: span.count }, (_, i) => span.first + i);
  const outside = at.row >= 0 && (at.row < span.first || at.row >= span.first + span.count);
  const width = columns.reduce((sum, column) => sum + column.width, CHECK_WIDTH);
  return (
    <div ref={scroll.ref} class="scroll" tabIndex={-1}>
      <div
        class="grid"
        role="grid"
        aria-label="Cells"
        aria-multiselectable
        aria-rowcount={total + 1}
        aria-colcount={columns.length + 1}
        style={{ width: `${width}px`, height: `${HEAD + listHeight(total, ROW)}px` }}
        onClick={click}
        onKeyDown={key}
        onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      >
        <HeadRow
          columns={columns}
          sort={sort.value}
          ticked={tickedOf(counts.value?.selected ?? 0, total)}
          active={at.row < 0 ? at.col : -1}
          rows={plural(schema.value?.n ?? 0, "cell")}
        />
        {/* The tab stop stays in the page when it is scrolled away, or the focus would be lost. */}
        {(outside ? [...positions, at.row] : positions).map((position) => (
          <BodyRow
            key={position}
            position={position}
            top={HEAD + span.top + (position - span.first) * ROW}
            columns={columns}
            slice={slice}
            palettes={palettes}
            limit={limitOf(schema.value)}
            pinned={store.pin.value?.row ?? null}
            active={position === at.row ? at.col : -1}
          />
        ))}
        {total === 0 && <NoRows />}
      </div>
    </div>
  );
}

function NoRows() {
  const store = useStore();
  const filtered = store.hidden.value.size > 0 || store.onlyUnlike.value;
  const clear = () => {
    store.onlyUnlike.value = false;
    for (const id of store.hidden.peek().keys()) store.hide(id, new Set());
  };
  return (
    <div class="none f2">
      {filtered ? "No cell passes the filters." : "No cells."}
      {filtered && (
        <button type="button" class="btn" onClick={clear}>
          Show all
        </button>
      )}
    </div>
  );
}
