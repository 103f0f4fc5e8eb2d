import type { ComponentChildren } from "preact";
import { css } from "../../palette";
import { CELL } from "../../protocol";
import type { Rgb, TableSlice } from "../../view/api";
import { value } from "../format";
import { Icon } from "../parts/Icon";
import { isUnlike, UNLIKE_HINT } from "../unlike";
import { CHECK_WIDTH, type TableColumn } from "./columns";

export type Palettes = ReadonlyMap<string, Rgb[]>;

function Named({ name, color, ring, dim }: { name: string; color?: Rgb; ring?: boolean; dim?: boolean }) {
  return (
    <span class={dim ? "lb f2" : "lb"}>
      {color && <span class={ring ? "dot ring" : "dot"} style={{ "--c": css(color) }} />}
      <span class="ell">{name}</span>
    </span>
  );
}

function standing(state: number): ComponentChildren {
  if (state === CELL.failed)
    return (
      <span class="lb f2">
        <Icon name="alert" />
        failed
      </span>
    );
  return (
    <span class="lb f2">
      <span class="dot ring" />
      not run
    </span>
  );
}

function Distance({ words, unlike }: { words: string; unlike: boolean }) {
  if (!unlike) return words;
  return (
    <span class="far" title={UNLIKE_HINT}>
      <Icon name="alert" />
      {words}
    </span>
  );
}

interface Held {
  column: TableColumn;
  slice: TableSlice;
  i: number;
  palettes: Palettes;
  limit: number | null;
}

function content({ column, slice, i, palettes, limit }: Held): ComponentChildren {
  const { spec } = column;
  const values = slice.columns[spec.id];
  const state = slice.state[i] ?? CELL.notRun;
  if (spec.id === "label" && state !== CELL.done) return standing(state);
  if (!values) return null;
  const raw = values[i];
  if (raw === undefined || typeof raw === "string") return raw;
  if (spec.id === "distance") return <Distance words={value(raw, spec)} unlike={isUnlike(raw, limit)} />;
  if (spec.kind === "number") return value(raw, spec);
  const name = spec.categories?.[raw];
  if (name === undefined) return null;
  const second = spec.id === "second";
  return <Named name={name} color={palettes.get(spec.id)?.[raw]} ring={second} dim={second} />;
}

interface Props {
  position: number;
  top: number;
  columns: readonly TableColumn[];
  slice: TableSlice | null;
  palettes: Palettes;
  pinned: number | null;
  /** Distance beyond which a cell is unlike anything in training. */
  limit: number | null;
  /** Column of this row that has the grid's tab stop, -1 for none. */
  active: number;
}

/** One row; `data-row` and `data-col` say where a click or the focus is. */
export function BodyRow({ position, top, columns, slice, palettes, pinned, limit, active }: Props) {
  const i = slice ? position - slice.start : -1;
  const held = slice !== null && i >= 0 && i < slice.rows.length;
  const selected = held && slice.selected[i] === 1;
  const pin = held && slice.rows[i] === pinned;
  return (
    <div
      class={`tr${selected ? " sel" : ""}${pin ? " pin" : ""}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={position + 2}
      aria-selected={selected}
      style={{ top: `${top}px` }}
      data-row={position}
    >
      <div
        role="gridcell"
        tabIndex={active === 0 ? 0 : -1}
        aria-colindex={1}
        aria-label={selected ? "selected" : "not selected"}
        data-col={0}
        style={{ width: `${CHECK_WIDTH}px`, paddingLeft: "12px" }}
      >
        <span class={selected ? "tick on" : "tick"}>{selected && <Icon name="check" />}</span>
      </div>
      {columns.map((column, c) => {
        const { spec, width, right, sticky } = column;
        return (
          <div
            key={spec.id}
            class={`${right ? "right" : ""}${sticky ? " stick" : ""}${spec.id === "cell" ? " mono" : ""}`}
            role="gridcell"
            tabIndex={active === c + 1 ? 0 : -1}
            aria-colindex={c + 2}
            data-col={c + 1}
            style={{ width: `${width}px` }}
          >
            {held && content({ column, slice, i, palettes, limit })}
          </div>
        );
      })}
    </div>
  );
}
