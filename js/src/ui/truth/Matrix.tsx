import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { paletteOf } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import { useStore } from "../context";
import { count, percent, plural } from "../format";
import { useScroll } from "../parts/useScroll";
import type { Figures } from "./figures";
import { Beside, Over } from "./Heads";
import { paint } from "./heat";

/** Pixels: a cell, at least and at most, and the heads beside and above them. */
const [LEAST, MOST] = [12, 28];
const HEADS = 104;

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

/** Known labels against the model's as a heat map, of shares of the rows; arrows move in it, Enter selects. */
export function Matrix({ figures, known, label, agreement }: Props) {
  const store = useStore();
  const scroll = useScroll();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const dark = store.dark.value;
  const { rows, columns } = figures;
  const room = scroll.width - HEADS;
  const side = Math.max(LEAST, Math.min(MOST, Math.floor(room / Math.max(1, columns.length))));
  const [names, labels] = [known.categories ?? [], label.categories ?? []];

  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, figures, label, { side, palette: paletteOf(agreement, dark), dark });
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
        <Over figures={figures} label={label} at={place?.col} />
        <Beside figures={figures} known={known} label={label} at={place?.row} />
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
          {place && row && <i style={{ left: `${place.col * side}px`, top: `${place.row * side}px` }} />}
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
