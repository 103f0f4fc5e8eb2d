/** What is drawn in which order: row numbers in segments, from the ground up. */
import { CELL } from "../protocol";
import type { Look } from "./api";
import { type Columns, MISSING } from "./columns";
import { orderByKeys } from "./sort";

/** Segments of the index buffer. */
export const LAYER = { ghost: 0, dimmed: 1, hollow: 2, solid: 3, selected: 4 } as const;
const LAYERS = 5;

export interface Layers {
  rows: Uint32Array;
  /** `rows` from `starts[layer]` to `starts[layer + 1]`. */
  starts: Uint32Array;
}

interface Cells {
  columns: Columns;
  fails: Uint8Array;
  selected: Uint8Array;
  look: Look | null;
}

/** Cells in their layers; those without a place are in none. Numbers lie lowest first, so that high ones are seen. */
export function layersOf({ columns, fails, selected, look }: Cells): Layers {
  const { n, xy, state } = columns;
  const color = columns.numbers(look?.color ?? "");
  const focus = look && look.focus >= 0 ? look.focus : -1;
  const anySelected = selected.includes(1);
  const streams = color?.spec.group === "result";
  const layer = new Uint8Array(n).fill(LAYERS);
  const starts = new Uint32Array(LAYERS + 1);
  for (let row = 0; row < n; row++) {
    if (Number.isNaN(xy[2 * row] as number)) continue;
    const which =
      fails[row] !== 0
        ? LAYER.ghost
        : state[row] !== CELL.done && (streams || !color)
          ? LAYER.hollow
          : focus >= 0 && columns.code(color, row) !== focus
            ? LAYER.ghost
            : !anySelected
              ? LAYER.solid
              : selected[row] === 1
                ? LAYER.selected
                : LAYER.dimmed;
    layer[row] = which;
    starts[which + 1] = (starts[which + 1] as number) + 1;
  }
  for (let i = 1; i <= LAYERS; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
  return { rows: fill(layer, starts, color?.spec.kind === "number" ? byValue(columns, look) : null), starts };
}

function fill(layer: Uint8Array, starts: Uint32Array, order: Uint32Array | null): Uint32Array {
  const rows = new Uint32Array(starts[LAYERS] as number);
  const next = starts.slice();
  for (let i = 0; i < layer.length; i++) {
    const row = order ? (order[i] as number) : i;
    const which = layer[row] as number;
    if (which === LAYERS) continue;
    const place = next[which] as number;
    rows[place] = row;
    next[which] = place + 1;
  }
  return rows;
}

/** Rows lowest value first, missing ones at the bottom: to 16 bits, which no eye tells from exact. */
function byValue(columns: Columns, look: Look | null): Uint32Array | null {
  const color = columns.numbers(look?.color ?? "");
  if (!color) return null;
  let [min, max] = [Infinity, -Infinity];
  for (const value of color.values) {
    if (value < min) min = value;
    if (value > max && Number.isFinite(value)) max = value;
  }
  const keys = new Uint32Array(columns.n);
  const scale = max > min ? 65_534 / (max - min) : 0;
  for (let row = 0; row < columns.n; row++) {
    const value = color.values[row] as number;
    keys[row] = Number.isNaN(value) || value === MISSING[color.spec.dtype] ? 0 : 1 + (value - min) * scale;
  }
  return orderByKeys(new Uint32Array(columns.n), keys);
}
