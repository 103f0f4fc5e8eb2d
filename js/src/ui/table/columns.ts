/** Which columns the table has, and how wide they are. Pure. */
import type { ColumnSpec } from "../../protocol";
import { kindsOf } from "../../view/effective";

export interface TableColumn {
  spec: ColumnSpec;
  width: number;
  left: number;
  /** Numbers stand right-aligned under right-aligned heads. */
  right: boolean;
  sticky: boolean;
}

export const CHECK_WIDTH = 32;

const KNOWN: Record<string, number> = { cell: 172, score: 88 };
const LEAST: Record<string, number> = { label: 140, second: 132 };
const MOST = 160;
const RANK = { name: 0, result: 1, obs: 2, layout: 3, gene: 4 } as const;
const CHAR = 7;

/** Wide enough for the head with its arrow, and for most values. */
function widthOf({ id, kind, name, categories }: ColumnSpec): number {
  const longest = kind === "category" ? Math.max(0, ...(categories ?? []).slice(0, 50).map((c) => c.length)) : 9;
  const wanted = Math.max(name.length * CHAR + 36, longest * CHAR + 32, LEAST[id] ?? 80);
  return KNOWN[id] ?? Math.min(wanted, MOST);
}

/** The cell's name first, then what the model said, then obs. */
export function tableColumns(columns: readonly ColumnSpec[], sticky: boolean): TableColumn[] {
  const shown = columns.filter(({ id, kind }) => kind !== "xy" && id !== "state" && id !== "second_score");
  let left = CHECK_WIDTH;
  return shown
    .toSorted((a, b) => RANK[a.group] - RANK[b.group])
    .map((spec) => {
      const column = {
        spec,
        width: widthOf(spec),
        left,
        right: spec.kind === "number",
        sticky: sticky && spec.id === "cell",
      };
      left += column.width;
      return column;
    });
}

/** Columns in sight: only those are asked for. The sticky one always is. */
export const inSight = (columns: readonly TableColumn[], scrollLeft: number, width: number): TableColumn[] =>
  columns.filter((c) => c.sticky || (c.left + c.width > scrollLeft && c.left < scrollLeft + width));

/** What stands under a column's name. */
export function hintOf(spec: ColumnSpec, rows: string): string {
  if (spec.id === "cell") return rows;
  if (!spec.categories) return "";
  const kinds = kindsOf(spec);
  if (spec.id === "label") return kinds === 1 ? "1 label" : `${kinds} labels`;
  return spec.id === "second" ? "second choice" : `${kinds} ${kinds === 1 ? "value" : "values"}`;
}
