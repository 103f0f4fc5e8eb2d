/**
 * Columns that the page derives from streamed ones: the label that holds above the threshold, the margin of the best
 * class over the second, and how labels stand to those that are known. Kept in line row by row as results come.
 */
import type { ColumnSpec } from "../protocol";
import type { Values } from "../session/session";
import type { Columns, NumberColumn } from "./columns";
import { MISSING } from "./dtypes";

/** Codes of the `agreement` column, as the kernel names its categories. */
export const AGREEMENT = { agrees: 0, disagrees: 1, unassigned: 2, stranger: 3, unknown: 4 } as const;
/** Of cells that were not run. */
const NO_AGREEMENT = MISSING.u1;

/** Columns that change with the threshold. */
export const FOLLOWS_THRESHOLD: readonly string[] = ["label", "agreement"];

/** Code of cells whose score is too low for a label; -1 for a column without any. */
export const unassignedCode = ({ unassigned, categories }: ColumnSpec): number =>
  unassigned ? (categories?.length ?? 0) - 1 : -1;

/** How many categories there are, but for that of cells without a label. */
export const kindsOf = ({ unassigned, categories }: ColumnSpec): number =>
  (categories?.length ?? 0) - (unassigned ? 1 : 0);

export class Effective {
  /** What the model says, whatever the threshold. */
  readonly said: Values | undefined;
  readonly #columns: Columns;
  readonly #label: NumberColumn | undefined;
  readonly #truth: { column: string; codes: Int32Array } | null;
  /** In float32, as scores are: 0.9 is not below 0.9. */
  #threshold = 0;

  constructor(columns: Columns) {
    const label = columns.numbers("label");
    const { truth } = columns.schema;
    this.#columns = columns;
    this.#label = label?.spec.unassigned ? label : undefined;
    this.said = this.#label ? (this.#label.values.slice() as Values) : label?.values;
    this.#truth = truth ? { column: truth.column, codes: Int32Array.from(truth.codes) } : null;
  }

  get threshold(): number {
    return this.#threshold;
  }

  /** Returns whether anything may have changed. */
  setThreshold(threshold: number): boolean {
    const value = Math.fround(threshold);
    if (value === this.#threshold) return false;
    this.#threshold = value;
    const { n } = this.#columns;
    this.#relabel(0, n);
    this.#compare(0, n);
    return true;
  }

  /** Results came for these rows. */
  rowsCame(rows: Uint32Array): void {
    for (const row of rows) {
      if (row >= this.#columns.n) continue;
      this.#relabel(row, row + 1);
      this.#compare(row, row + 1);
    }
    this.#setMargins(rows);
  }

  /** Values of a column that does not stream came. */
  pieceCame(column: string, from: number, to: number): void {
    if (column === this.#truth?.column) this.#compare(from, to);
  }

  #relabel(from: number, to: number): void {
    const said = this.said;
    const score = this.#columns.numbers("score")?.values;
    if (!this.#label || !said || !score) return;
    const { values, spec } = this.#label;
    const unassigned = unassignedCode(spec);
    const missing = MISSING[spec.dtype];
    for (let row = from; row < to; row++) {
      const label = said[row] as number;
      values[row] = label !== missing && (score[row] as number) < this.#threshold ? unassigned : label;
    }
  }

  #setMargins(rows: Uint32Array): void {
    const margin = this.#columns.numbers("margin")?.values;
    const score = this.#columns.numbers("score")?.values;
    const second = this.#columns.numbers("second_score")?.values;
    if (!margin || !score || !second) return;
    for (const row of rows) if (row < margin.length) margin[row] = (score[row] as number) - (second[row] as number);
  }

  #compare(from: number, to: number): void {
    const agreement = this.#columns.numbers("agreement")?.values;
    const known = this.#truth && this.#columns.numbers(this.#truth.column);
    const label = this.#columns.numbers("label");
    if (!agreement || !known || !label || !this.#truth) return;
    const { codes } = this.#truth;
    const unassigned = unassignedCode(label.spec);
    const missing = MISSING[label.spec.dtype];
    for (let row = from; row < Math.min(to, known.held); row++) {
      const said = label.values[row] as number;
      // A code beyond the list is that of a missing value.
      const wanted = codes[known.values[row] as number];
      if (said === missing) agreement[row] = NO_AGREEMENT;
      else if (wanted === undefined) agreement[row] = AGREEMENT.unknown;
      else if (wanted < 0) agreement[row] = AGREEMENT.stranger;
      else if (said === unassigned) agreement[row] = AGREEMENT.unassigned;
      else agreement[row] = said === wanted ? AGREEMENT.agrees : AGREEMENT.disagrees;
    }
  }
}
