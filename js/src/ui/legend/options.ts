/** What one can colour by. Pure. */
import type { ColumnSpec } from "../../protocol";

export interface Group {
  title: string;
  columns: ColumnSpec[];
}

const fits = (column: ColumnSpec, query: string) => column.name.toLowerCase().includes(query);

export function colorGroups(columns: readonly ColumnSpec[], query: string): Group[] {
  const wanted = query.trim().toLowerCase();
  const colourable = columns.filter(({ kind }) => kind === "category" || kind === "number");
  const of = (group: ColumnSpec["group"]) =>
    colourable.filter((column) => column.group === group && fits(column, wanted));
  return [
    { title: "Model", columns: of("result") },
    { title: "obs", columns: of("obs") },
  ].filter((group) => group.columns.length > 0);
}

export const groupHint = (column: ColumnSpec | null): string => (column?.group === "result" ? "model" : "obs");
