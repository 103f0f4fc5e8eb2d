/** What people read of cells unlike anything in training. Pure. */
import type { Schema } from "../protocol";

export const limitOf = (schema: Schema | null): number | null => schema?.layout.distance_limit ?? null;

export const isUnlike = (distance: number, limit: number | null): limit is number => limit !== null && distance > limit;

/** With as many digits as tell the two apart. */
function told(distance: number, limit: number): [distance: number, limit: number] {
  let digits = 2;
  while (digits < 6 && Number(distance.toPrecision(digits)) <= Number(limit.toPrecision(digits))) digits++;
  return [Number(distance.toPrecision(digits)), Number(limit.toPrecision(digits))];
}

export function unlikeWords(distance: number, limit: number): string {
  const [far, most] = told(distance, limit);
  return `distance ${far}, limit ${most}`;
}

/** The same where there is little room. */
export const unlikeShort = (distance: number, limit: number): string => told(distance, limit).join(" > ");

export const UNLIKE_HINT =
  "Farther from the training cells than 99 in 100 of these are from one another: their labels mean little";
