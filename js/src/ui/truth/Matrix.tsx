import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { css, paletteOf } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import type { Rgb } from "../../view/api";
import { AGREEMENT, unassignedCode } from "../../view/effective";
import { useStore } from "../context";
import { count, percent, plural } from "../format";
import { useScroll } from "../parts/useScroll";
import type { Figures, Known } from "./figures";

/** Pixels: a cell, at least and at most, and the heads beside and above them. */
const [LEAST, MOST] = [14, 28];
const HEADS = 84;
/** One cell of a thousand is still seen. */
const FAINTEST = 0.18;

interface Place {
  row: number;
  col: number;
}

interface Props {
  figures: Figures;
  known: ColumnSpec;
  label: ColumnSpec;
  agreement: ColumnSpec;
}

/** How a cell of the matrix stands to what is known, which says its colour. */
function standing(row: Known, code: number, unassigned: number): number {
  if (row.code < 0) return AGREEMENT.stranger;
  if (code === unassigned) return AGREEMENT.unassigned;
  return row.code === code ? AGREEMENT.agrees : AGREEMENT.disagrees;
}

function paint(
  canvas: HTMLCanvasElement,
  { figures, label }: Props,
  side: number,
  palette: Rgb[],
  dark: boolean,
): void {
  const { rows, columns, at } = figures;
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(columns.length * side * scale);
  canvas.height = Math.round(rows.length * side * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const unassigned = unassignedCode(label);
  const empty = dark ? "rgb(255 255 255 / 5%)" : "rgb(0 0 0 / 4%)";
  rows.forEach((row, y) => {
    columns.forEach((code, x) => {
      const share = at(row, code) / row.total;
      const [r, g, b] = palette[standing(row, code, unassigned)] ?? [128, 128, 128];
      context.fillStyle = share > 0 ? `rgb(${r} ${g} ${b} / ${FAINTEST + (1 - FAINTEST) * share})` : empty;
      context.fillRect(x * side, y * side, side - 1, side - 1);
    });
  });
}

/** Known labels against the model's as a heat map, of shares of the rows; arrows move in it, Enter selects. */
export function Matrix(props: Props) {
  const { figures, known, label, agreement } = props;
  const store = useStore();
  const scroll = useScroll();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const dark = store.dark.value;
  const { rows, columns } = figures;
  const room = scroll.width - HEADS;
  const side = Math.max(LEAST, Math.min(MOST, Math.floor(room / Math.max(1, columns.length))));
  const [names, colors] = [known.categories ?? [], paletteOf(known, dark)];
  const [labels, labelColors] = [label.categories ?? [], paletteOf(label, dark)];

  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, props, side, paletteOf(agreement, dark), dark);
  });

  const row = place ? rows[place.row] : undefined;
  const code = place ? columns[place.col] : undefined;
  const choose = (at: Place, add: boolean) => {
    const [from, to] = [rows[at.row], columns[at.col]];
    if (!from || to === undefined) return;
    const mode = add ? "add" : "replace";
    store.select({ by: "pair", columns: [known.id, label.id], codes: [from.name, to], mode });
  };
  const placeOf = (event: MouseEvent): Place | null => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return null;
    const at = {
      row: Math.floor((event.clientY - box.top) / side),
      col: Math.floor((event.clientX - box.left) / side),
    };
    return rows[at.row] && columns[at.col] !== undefined ? at : null;
  };
  const key = (event: KeyboardEvent) => {
    const at = place ?? { row: 0, col: 0 };
    const by = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (by && !place) setPlace(at);
    else if (by) {
      const next = {
        row: Math.max(0, Math.min(rows.length - 1, at.row + (by[0] as number))),
        col: Math.max(0, Math.min(columns.length - 1, at.col + (by[1] as number))),
      };
      setPlace(next);
      reveal(scroll.ref.current, next, side);
    } else if ((event.key === "Enter" || event.key === " ") && place) choose(place, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div
        ref={scroll.ref}
        class="cm"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application region is interactive
        tabIndex={0}
        aria-label={`Confusion matrix, ${known.name} by ${label.name}: arrows move, Enter selects`}
        aria-describedby="cm-said"
        style={{ "--side": `${side}px` }}
        onKeyDown={key}
        onBlur={() => setPlace(null)}
      >
        <div class="corner" />
        <div class="over">
          {columns.map((of, x) => (
            <span key={of} class={x === place?.col ? "on" : undefined} title={labels[of]}>
              <span class="ell">{labels[of]}</span>
              <span class="dot" style={{ "--c": css(labelColors[of] ?? [128, 128, 128]) }} />
            </span>
          ))}
        </div>
        <div class="beside">
          {rows.map(({ name, code: of }, y) => (
            <span
              key={name}
              class={y === place?.row ? "on" : undefined}
              title={of < 0 ? `${names[name]}: the model has no such class` : names[name]}
            >
              <span class={of < 0 ? "dot ring" : "dot"} style={{ "--c": css(colors[name] ?? [128, 128, 128]) }} />
              <span class="ell">{names[name]}</span>
            </span>
          ))}
        </div>
        <div class="heat">
          <canvas
            ref={canvas}
            style={{ width: `${columns.length * side}px`, height: `${rows.length * side}px` }}
            onPointerMove={(event) => setPlace(placeOf(event))}
            onPointerLeave={() => setPlace(null)}
            onClick={(event) => {
              const at = placeOf(event);
              if (at) choose(at, event.ctrlKey || event.metaKey || event.shiftKey);
            }}
          />
          {place && <i style={{ left: `${place.col * side}px`, top: `${place.row * side}px` }} />}
        </div>
      </div>
      <div id="cm-said" class="said s11 f2" aria-live="polite">
        {row && code !== undefined ? (
          <>
            <span class="ell">
              {names[row.name]} labelled {labels[code]}
            </span>
            <span class="ell">
              {plural(figures.at(row, code), "cell")}, {percent(figures.at(row, code), row.total)} of {count(row.total)}
              .
            </span>
          </>
        ) : (
          <>
            <span class="ell">Strength: share of the row.</span>
            <span class="ell">Click a field to select its cells.</span>
          </>
        )}
      </div>
    </>
  );
}

/** Scrolls so that a cell is not under the heads, nor beyond the frame. */
function reveal(frame: HTMLElement | null, { row, col }: Place, side: number): void {
  const heat = frame?.querySelector<HTMLElement>(".heat");
  if (!frame || !heat) return;
  const [x, y] = [heat.offsetLeft + col * side, heat.offsetTop + row * side];
  frame.scrollLeft = Math.min(x - heat.offsetLeft, Math.max(frame.scrollLeft, x + side - frame.clientWidth));
  frame.scrollTop = Math.min(y - heat.offsetTop, Math.max(frame.scrollTop, y + side - frame.clientHeight));
}
