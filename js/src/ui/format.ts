/** Numbers and times in words. */
import type { ColumnSpec } from "../protocol";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (n: number): string => whole.format(n);

export const percent = (part: number, of: number): string => (of > 0 ? `${((100 * part) / of).toFixed(1)}%` : "");

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Words from elsewhere as a sentence: a capital first, a full stop last. */
export function sentence(text: string): string {
  const words = text.trim();
  if (!words) return "";
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** "0.4 s", "20.4 s", "3 min 20 s", "1 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return longDuration(Math.round(seconds));
}

/** Time left: whole seconds, never nought while something is left. */
export function timeLeft(seconds: number): string {
  return `${longDuration(Math.max(1, Math.ceil(seconds)))} left`;
}

function longDuration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes as millions of them, without the unit: several such numbers may share one. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export const speed = (rate: number): string => `${rate < 10 ? rate.toFixed(1) : count(rate)} cells/s`;

/** Columns from 0 to 1. */
const SHARES: ReadonlySet<string> = new Set(["score", "second_score", "margin", "entropy"]);
/** What is left of a distance of nothing, after its rounding. */
const NO_DISTANCE = 1e-5;

/** A value as it stands in the table, under heads that are right-aligned: nothing for a missing one. */
export function value(v: number, column: Pick<ColumnSpec, "id" | "integer">): string {
  if (Number.isNaN(v)) return "";
  if (column.integer) return count(v);
  if (SHARES.has(column.id) || (column.id === "distance" && v < NO_DISTANCE)) return v.toFixed(2);
  const size = Math.abs(v);
  if (size !== 0 && (size < 0.01 || size >= 1e7)) return v.toExponential(2);
  return size >= 1000 ? count(v) : v.toFixed(2);
}
