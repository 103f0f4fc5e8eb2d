/** The numbers that the page writes, in one pass over the cells. */
import { CELL } from "../protocol";
import type { Counts, Look } from "./api";
import type { Columns, NumberColumn } from "./columns";
import { confusionOf } from "./confusion";
import { refuser } from "./filter";
import { meansByLabel } from "./means";
import { rangeOf, skipsZeros } from "./range";
import { countTraining } from "./training";
import { countUnlike } from "./unlike";

const BINS = 48;
const SCORE_STEPS = 1_000;
const SCORE_BINS = 40;

interface Cells {
  columns: Columns;
  look: Look | null;
  fails: Uint8Array;
  shown: number;
  selected: Uint8Array;
}

export function summarize(cells: Cells): Counts {
  const { columns, look, shown, selected } = cells;
  const color = look ? columns.numbers(look.color) : undefined;
  const isCategory = color?.spec.kind === "category";
  const byCode = isCategory ? countCodes(cells, color) : null;
  return {
    ...countStates(columns),
    shown,
    color: look?.color ?? null,
    categories: byCode?.categories ?? null,
    missing: byCode?.missing ?? 0,
    numbers: color && !isCategory ? histogram(color, cells.fails) : null,
    means: color?.spec.group === "gene" ? meansByLabel(columns, color, cells.fails) : null,
    score: scoreSummary(columns),
    confusion: confusionOf(columns),
    unlike: countUnlike(columns),
    training: trainingMix(columns),
    selected: selected.reduce((sum, one) => sum + one, 0),
    mix: labelMix(columns, selected),
  };
}

function countStates({ state, n }: Columns): Pick<Counts, "total" | "done" | "failed" | "notRun"> {
  const counts = [0, 0, 0];
  for (let row = 0; row < n; row++) counts[state[row] as number] = (counts[state[row] as number] ?? 0) + 1;
  return { total: n, notRun: counts[CELL.notRun] ?? 0, done: counts[CELL.done] ?? 0, failed: counts[CELL.failed] ?? 0 };
}

/** Per code the cells that pass all filters but those on this very column. */
function countCodes({ columns, look, fails }: Cells, color: NumberColumn) {
  const categories = new Uint32Array(color.spec.categories?.length ?? 0);
  const own = (look?.filters ?? []).filter((filter) => filter.column === color.spec.id);
  const refuses = own.map((filter) => refuser(columns, filter));
  let missing = 0;
  for (let row = 0; row < columns.n; row++) {
    let others = fails[row] as number;
    if (others > 0) for (const refused of refuses) if (refused(row)) others--;
    if (others > 0) continue;
    const code = columns.code(color, row);
    if (code >= 0 && code < categories.length) categories[code] = (categories[code] as number) + 1;
    else missing++;
  }
  return { categories, missing };
}

/** Range over all cells, bins over those that pass. */
function histogram(column: NumberColumn, fails: Uint8Array): Counts["numbers"] {
  const { values, held, spec } = column;
  const bins = new Uint32Array(BINS);
  const [min, max] = rangeOf(column) ?? [0, 0];
  const scale = max > min ? BINS / (max - min) : 0;
  let [missing, zeros] = [0, 0];
  for (let row = 0; row < fails.length; row++) {
    if (fails[row] !== 0) continue;
    const value = row < held ? (values[row] as number) : NaN;
    if (!Number.isFinite(value)) missing++;
    else {
      if (value === 0) zeros++;
      if (value === 0 && skipsZeros(spec)) continue;
      const bin = Math.min(BINS - 1, Math.floor((value - min) * scale));
      bins[bin] = (bins[bin] as number) + 1;
    }
  }
  return { min, max, bins, missing, zeros };
}

/** Median to a thousandth, by counting. */
function scoreSummary(columns: Columns): Counts["score"] {
  const score = columns.numbers("score");
  if (!score) return null;
  const steps = new Uint32Array(SCORE_STEPS + 1);
  let [count, below] = [0, 0];
  for (let row = 0; row < columns.n; row++) {
    const value = score.values[row] as number;
    if (columns.state[row] !== CELL.done || Number.isNaN(value)) continue;
    const step = Math.min(SCORE_STEPS, Math.max(0, Math.round(value * SCORE_STEPS)));
    steps[step] = (steps[step] as number) + 1;
    count++;
    if (value < 0.5) below++;
  }
  if (count === 0) return null;
  let seen = 0;
  const step = steps.findIndex((some) => {
    seen += some;
    return 2 * seen >= count;
  });
  return { median: step / SCORE_STEPS, below, bins: binsOf(steps) };
}

function binsOf(steps: Uint32Array): Uint32Array {
  const bins = new Uint32Array(SCORE_BINS);
  for (const [step, some] of steps.entries()) {
    const bin = Math.min(SCORE_BINS - 1, Math.floor((step * SCORE_BINS) / SCORE_STEPS));
    bins[bin] = (bins[bin] as number) + some;
  }
  return bins;
}

function trainingMix({ reference, schema }: Columns): Counts["training"] {
  const classes = schema.model.classes.length;
  return reference && classes > 0 ? countTraining(reference, classes) : null;
}

function labelMix(columns: Columns, selected: Uint8Array): Counts["mix"] {
  const label = columns.numbers("label");
  if (!label) return null;
  const size = label.spec.categories?.length ?? 0;
  const mix = { selection: new Uint32Array(size), rest: new Uint32Array(size) };
  for (let row = 0; row < columns.n; row++) {
    const code = columns.code(label, row);
    if (code < 0 || code >= size) continue;
    const part = selected[row] === 1 ? mix.selection : mix.rest;
    part[code] = (part[code] as number) + 1;
  }
  return mix;
}
