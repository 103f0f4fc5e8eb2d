import { css, paletteOf } from "../../palette";
import { CELL, type ColumnSpec } from "../../protocol";
import type { Pointed } from "../../view/api";
import { useStore } from "../context";
import { value } from "../format";
import { Icon } from "../parts/Icon";
import { isUnlike, limitOf, unlikeShort } from "../unlike";
import type { Rect } from "./card";

/** Lines of 16 and 20 px and the frame: known beforehand, so that the card is placed before it is drawn. */
export function cardHeight(cell: Pointed, extras: boolean[]): number {
  const lines = cell.state === CELL.done ? (cell.second >= 0 ? 2 : 1) : 1;
  const more = cell.row < 0 ? 0 : extras.filter(Boolean).length;
  return 16 + 20 * (lines + more) + 16;
}

/** The colour's own value has a line where the label's lines do not say it already. */
export function needsValue(color: ColumnSpec | null): color is ColumnSpec {
  return color !== null && !["label", "score", "second", "second_score"].includes(color.id);
}

function valueText(cell: Pointed, color: ColumnSpec): string {
  if (Number.isNaN(cell.value)) return "–";
  return color.kind === "category" ? (color.categories?.[cell.value] ?? "–") : value(cell.value, color);
}

function Label({ code, score, first }: { code: number; score: number; first?: boolean }) {
  const store = useStore();
  const spec = store.column("label");
  const name = spec?.categories?.[code];
  if (!spec || name === undefined) return null;
  const color = paletteOf(spec, store.dark.value)[code];
  return (
    <div class={first ? "r b" : "r f2"}>
      <span class={first ? "dot" : "dot ring"} style={{ "--c": color && css(color) }} />
      <span class="ell">{name}</span>
      <span class="end">{Number.isNaN(score) ? "" : score.toFixed(2)}</span>
    </div>
  );
}

function Standing({ cell }: { cell: Pointed }) {
  if (cell.state === CELL.done)
    return (
      <>
        <Label code={cell.label} score={cell.score} first />
        <Label code={cell.second} score={cell.secondScore} />
      </>
    );
  return (
    <div class="r f2">
      <span class="dot ring" />
      {cell.state === CELL.failed ? "could not be labelled" : "not run yet"}
    </div>
  );
}

function Unlike({ distance }: { distance: number }) {
  const limit = limitOf(useStore().schema.value);
  if (!isUnlike(distance, limit)) return null;
  return (
    <div class="r far">
      <Icon name="alert" />
      <span class="ell">unlike training</span>
      <span class="end">{unlikeShort(distance, limit)}</span>
    </div>
  );
}

/** Of a training cell nothing is known but its label. */
function TrainingCard({ cell, rect }: { cell: Pointed; rect: Rect }) {
  return (
    <div class="card" style={{ left: `${rect.x}px`, top: `${rect.y}px` }}>
      <div class="f2">training cell</div>
      <Label code={cell.label} score={NaN} first />
    </div>
  );
}

export function HoverCard({ cell, rect }: { cell: Pointed; rect: Rect }) {
  const color = useStore().color.value;
  if (cell.row < 0) return <TrainingCard cell={cell} rect={rect} />;
  return (
    <div class="card" style={{ left: `${rect.x}px`, top: `${rect.y}px` }}>
      <div class="mono ell">{cell.name || `cell ${cell.row + 1}`}</div>
      <Standing cell={cell} />
      <Unlike distance={cell.distance} />
      {needsValue(color) && (
        <div class="r">
          <span class="f2 ell">{color.name}</span>
          <span class="end ell">{valueText(cell, color)}</span>
        </div>
      )}
    </div>
  );
}
