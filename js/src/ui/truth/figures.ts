/** What counts of known labels against the model's say. The same rules as in Python. Pure. */
import type { ColumnSpec, Schema } from "../../protocol";
import { unassignedCode } from "../../view/effective";

/** A known label: a row of the confusion matrix. */
export interface Known {
  /** Its code in the obs column, and the class of that name: -1 where the model knows none. */
  name: number;
  code: number;
  total: number;
}

export interface ClassFigures {
  code: number;
  support: number;
  predicted: number;
  /** NaN where there is nothing to divide by. */
  precision: number;
  recall: number;
  f1: number;
}

export interface Figures {
  rows: Known[];
  /** Label codes: the columns of the matrix. */
  columns: number[];
  /** Cells of a row and a column. */
  at(row: Known, code: number): number;
  classes: ClassFigures[];
  /** Cells whose known label is a class of the model; of these, rightly labelled, labelled at all, and otherwise. */
  total: number;
  right: number;
  assigned: number;
  wrong: number;
  /** Cells whose known label the model does not know. */
  strangers: number;
  /** Over classes with cells; NaN without any. */
  macroF1: number;
}

const ratio = (part: number, of: number) => (of > 0 ? part / of : Number.NaN);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/**
 * Cells of names that the model does not know count in no figure; unassigned cells count as missed.
 * Only what has cells is listed, classes in the model's order, unknown names last.
 */
export function figuresOf(counts: Uint32Array, truth: NonNullable<Schema["truth"]>, label: ColumnSpec): Figures {
  const width = label.categories?.length ?? 0;
  const unassigned = unassignedCode(label);
  const at = ({ name }: Pick<Known, "name">, code: number) => counts[name * width + code] ?? 0;
  const codes = Array.from({ length: width }, (_, code) => code);
  const all = truth.codes.map((code, name) => ({ name, code, total: sum(codes.map((of) => at({ name }, of))) }));
  const known = all.filter(({ code }) => code >= 0);
  const classes = codes
    .filter((code) => code !== unassigned)
    .map((code) => {
      const own = known.filter((row) => row.code === code);
      const hits = sum(own.map((row) => at(row, code)));
      const support = sum(own.map((row) => row.total));
      const predicted = sum(known.map((row) => at(row, code)));
      const f1 = support > 0 ? (2 * hits) / (support + predicted) : Number.NaN;
      return { code, hits, support, predicted, precision: ratio(hits, predicted), recall: ratio(hits, support), f1 };
    });
  const supported = classes.filter(({ support }) => support > 0);
  const total = sum(supported.map(({ support }) => support));
  const right = sum(classes.map(({ hits }) => hits));
  const assigned = sum(classes.map(({ predicted }) => predicted));
  const rows = all.filter((row) => row.total > 0);
  return {
    rows: rows.sort((a, b) => Number(a.code < 0) - Number(b.code < 0) || a.code - b.code),
    columns: codes.filter((code) => rows.some((row) => row.code === code || at(row, code) > 0)),
    at,
    classes: classes.filter(({ support, predicted }) => support + predicted > 0),
    total,
    right,
    assigned,
    wrong: assigned - right,
    strangers: sum(all.filter(({ code }) => code < 0).map((row) => row.total)),
    macroF1: ratio(sum(supported.map(({ f1 }) => f1)), supported.length),
  };
}
