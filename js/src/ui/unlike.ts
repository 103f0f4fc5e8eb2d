/** What people read of cells unlike anything in training. Pure. */
import type { Schema } from "../protocol";

export const limitOf = (schema: Schema | null): number | null => schema?.layout.distance_limit ?? null;

export const isUnlike = (distance: number, limit: number | null): limit is number => limit !== null && distance > limit;

/** With as many digits as tell the two apart. */
export function unlikeWords(distance: number, limit: number): string {
  let digits = 2;
  while (digits < 6 && Number(distance.toPrecision(digits)) <= Number(limit.toPrecision(digits))) digits++;
  return `distance ${Number(distance.toPrecision(digits))}, limit ${Number(limit.toPrecision(digits))}`;
}

export const UNLIKE_HINT =
  "Farther from the training cells than 99 in 100 of these are from one another: their labels mean little";
