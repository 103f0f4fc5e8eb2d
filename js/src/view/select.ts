/** Which cells a gesture takes. */
import type { Select } from "./api";
import type { Columns } from "./columns";

const MOST_VERTICES = 128;

/** Fewer vertices for the same shape: those farther apart than a fraction of its size, at most `MOST_VERTICES`. */
export function simplify(polygon: Float32Array): Float32Array {
  const count = polygon.length / 2;
  if (count <= MOST_VERTICES) return polygon;
  const kept = new Float32Array(2 * MOST_VERTICES);
  for (let i = 0; i < MOST_VERTICES; i++) {
    const at = 2 * Math.floor((i * count) / MOST_VERTICES);
    kept[2 * i] = polygon[at] as number;
    kept[2 * i + 1] = polygon[at + 1] as number;
  }
  return kept;
}

export function inPolygon(x: number, y: number, polygon: Float32Array): boolean {
  let inside = false;
  const last = polygon.length - 2;
  for (let a = 0, b = last; a <= last; b = a, a += 2) {
    const ya = polygon[a + 1] as number;
    const yb = polygon[b + 1] as number;
    if (ya > y === yb > y) continue;
    const xa = polygon[a] as number;
    if (x < (((polygon[b] as number) - xa) * (y - ya)) / (yb - ya) + xa) inside = !inside;
  }
  return inside;
}

/** Calls `take` for each cell inside that passes. */
function inLasso(xy: Float32Array, fails: Uint8Array, drawn: Float32Array, take: (row: number) => void): void {
  const polygon = simplify(drawn);
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < polygon.length; i += 2) {
    x0 = Math.min(x0, polygon[i] as number);
    x1 = Math.max(x1, polygon[i] as number);
    y0 = Math.min(y0, polygon[i + 1] as number);
    y1 = Math.max(y1, polygon[i + 1] as number);
  }
  for (let row = 0; row < fails.length; row++) {
    const x = xy[2 * row] as number;
    const y = xy[2 * row + 1] as number;
    if (fails[row] !== 0 || !(x >= x0 && x <= x1 && y >= y0 && y <= y1)) continue;
    if (inPolygon(x, y, polygon)) take(row);
  }
}

export interface Chosen {
  columns: Columns;
  fails: Uint8Array;
  /** The table's rows, for ranges. */
  table: () => Uint32Array;
}

function rangeOf(table: Uint32Array, { from, to }: { from: number; to: number }): Uint32Array {
  return table.slice(Math.max(0, Math.min(from, to)), Math.max(0, Math.max(from, to) + 1));
}

/** Changes `selected` as a gesture says. */
export function applySelect(selected: Uint8Array, select: Select, { columns, fails, table }: Chosen): void {
  const mode = "mode" in select ? select.mode : "replace";
  // Before anything changes: the table may have the selection first.
  const range = select.by === "range" ? rangeOf(table(), select) : [];
  if (mode === "replace") selected.fill(0);
  const value = mode === "remove" ? 0 : 1;
  switch (select.by) {
    case "none":
      return;
    case "all":
      for (let row = 0; row < fails.length; row++) selected[row] = fails[row] === 0 ? 1 : 0;
      return;
    case "lasso":
      return inLasso(columns.xy, fails, select.polygon, (row) => {
        selected[row] = value;
      });
    case "rows":
      for (const row of select.rows)
        if (row < selected.length) selected[row] = mode === "toggle" ? 1 - (selected[row] as number) : value;
      return;
    case "range":
      for (const row of range) selected[row] = 1;
      return;
    case "category": {
      const column = columns.numbers(select.column);
      for (let row = 0; row < fails.length; row++)
        if (fails[row] === 0 && columns.code(column, row) === select.code) selected[row] = 1;
      return;
    }
    case "pair": {
      const [first, second] = [columns.numbers(select.columns[0]), columns.numbers(select.columns[1])];
      const [one, other] = select.codes;
      for (let row = 0; row < fails.length; row++)
        if (fails[row] === 0 && columns.code(first, row) === one && columns.code(second, row) === other)
          selected[row] = 1;
      return;
    }
    case "above": {
      const column = columns.numbers(select.column);
      for (let row = 0; row < fails.length; row++)
        if (fails[row] === 0 && columns.number(column, row) > select.limit) selected[row] = 1;
      return;
    }
    case "bits":
      for (let row = 0; row < selected.length; row++) selected[row] = ((select.bits[row >> 3] ?? 0) >> (row & 7)) & 1;
  }
}

export function toBits(selected: Uint8Array): { bits: Uint8Array; count: number } {
  const bits = new Uint8Array((selected.length + 7) >> 3);
  let count = 0;
  for (let row = 0; row < selected.length; row++) {
    if (selected[row] !== 1) continue;
    count++;
    bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  }
  return { bits, count };
}
