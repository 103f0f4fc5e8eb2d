/** What one can colour by. Pure. */
import type { Found } from "../../genes";
import { type ColumnSpec, geneColumn, geneId } from "../../protocol";
import { count } from "../format";

export interface Group {
  title: string;
  columns: ColumnSpec[];
  /** What is not listed, in words. */
  more: string;
}

const fits = (column: ColumnSpec, query: string) => column.name.toLowerCase().includes(query);

/** `found` are genes that fit the query, of as many as `genes`. */
export function colorGroups(columns: readonly ColumnSpec[], query: string, found: Found, genes: number): Group[] {
  const wanted = query.trim().toLowerCase();
  const colourable = columns.filter(({ kind }) => kind === "category" || kind === "number");
  const of = (group: ColumnSpec["group"]) =>
    colourable.filter((column) => column.group === group && fits(column, wanted));
  return [
    { title: "Model", columns: of("result"), more: "" },
    { title: "obs", columns: of("obs"), more: "" },
    {
      title: "Genes",
      columns: found.genes.map((gene) => geneColumn(geneId(gene))).filter((column) => column !== null),
      more: wanted === "" ? searchable(genes) : left(found),
    },
  ].filter((group) => group.columns.length > 0 || group.more !== "");
}

const searchable = (genes: number): string =>
  genes > 1 ? `Type to find one of ${count(genes)}` : genes === 1 ? "Type to find the one there is" : "";

const left = ({ genes, count: all }: Found): string =>
  all > genes.length ? `and ${count(all - genes.length)} more that fit` : "";

const HINTS: Record<ColumnSpec["group"], string> = { result: "model", obs: "obs", gene: "gene", name: "", layout: "" };

export const groupHint = (column: ColumnSpec | null): string => (column ? HINTS[column.group] : "");
