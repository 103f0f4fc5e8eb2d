/** Outputs looked at: are they numbers, and do two engines agree? */
import type { Outcome, Output } from "./api";
import { labelsOf } from "./attention";

export const NOT_A_NUMBER = "the model's output is not a number";

/** How far two engines may differ, relative to the largest magnitude of an output. */
const TOLERANCE = 1e-4;

/** The outcome of a whole piece: cells with an output that is not a number are failed; logits may be -infinite. */
export function withoutNan(outputs: Output[], cells: number, ms: number): Outcome {
  const bad = new Uint8Array(cells);
  for (const { name, width, values } of outputs) {
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      if (!Number.isFinite(value) && !(name === "logits" && value === -Infinity)) bad[Math.floor(at / width)] = 1;
    }
  }
  const failed: [number, string][] = [];
  for (let cell = 0; cell < cells; cell++) if (bad[cell]) failed.push([cell, NOT_A_NUMBER]);
  if (failed.length === 0) return { outputs, failed, ms };
  return { outputs: outputs.map((output) => without(output, bad)), failed, ms };
}

function without({ name, width, values }: Output, bad: Uint8Array): Output {
  const kept = values.slice();
  let length = 0;
  for (let cell = 0; cell < bad.length; cell++) {
    if (bad[cell]) continue;
    kept.set(values.subarray(cell * width, (cell + 1) * width), length);
    length += width;
  }
  return { name, width, values: kept.slice(0, length) };
}

/** Of those that carry equal weight, one engine may name another gene first: what matters of attention is its sum. */
const isAttention = ({ name }: Output) => name.startsWith("attention");

/** Whether two outcomes of the same piece have the same labels, and outputs that are as good as equal. */
export function agree(one: Outcome, other: Outcome): boolean {
  const failures = (outcome: Outcome) => outcome.failed.map(([at]) => at).join();
  if (failures(one) !== failures(other) || one.outputs.length !== other.outputs.length) return false;
  return one.outputs.every((output) => {
    if (isAttention(output)) return true;
    const its = other.outputs.find(({ name }) => name === output.name);
    if (!its || its.values.length !== output.values.length || !close(output.values, its.values)) return false;
    if (output.name !== "logits") return true;
    const labels = labelsOf(its);
    return labelsOf(output).every((label, cell) => label === labels[cell]);
  });
}

function close(one: Output["values"], other: Output["values"]): boolean {
  let magnitude = 0;
  for (const value of one) if (Number.isFinite(value)) magnitude = Math.max(magnitude, Math.abs(value));
  for (let at = 0; at < one.length; at++)
    if (one[at] !== other[at] && !(Math.abs(one[at]! - other[at]!) <= TOLERANCE * magnitude)) return false;
  return true;
}
