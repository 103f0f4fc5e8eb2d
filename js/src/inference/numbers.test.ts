import { describe, expect, test } from "vitest";
import type { Outcome } from "./api";
import { agree, NOT_A_NUMBER, withoutNan } from "./numbers";

const output = (name: string, width: number, ...values: number[]) => ({
  name,
  width,
  values: Float32Array.from(values),
});

describe("a cell whose output is not a number fails", () => {
  test.each([
    ["embedding", NaN],
    ["embedding", -Infinity],
    ["xy", Infinity],
    ["logits", NaN],
    ["logits", Infinity],
  ])("%s %d", (name, value) => {
    const outputs = [output(name, 2, 1, 2, 3, value, 5, 6), output("other", 1, 7, 8, 9)];
    expect(withoutNan(outputs, 3, 4)).toEqual({
      outputs: [output(name, 2, 1, 2, 5, 6), output("other", 1, 7, 9)],
      failed: [[1, NOT_A_NUMBER]],
      ms: 4,
    });
  });

  test("but a class that is out of the question has a logit of -infinity", () => {
    const outputs = [output("logits", 2, 1, -Infinity)];
    expect(withoutNan(outputs, 1, 0)).toEqual({ outputs, failed: [], ms: 0 });
  });

  test("all of them, if need be", () => {
    const { outputs, failed } = withoutNan([output("xy", 2, NaN, 0, 0, NaN)], 2, 0);
    expect(failed.map(([at]) => at)).toEqual([0, 1]);
    expect(outputs).toEqual([output("xy", 2)]);
  });
});

describe("two engines agree", () => {
  const of = (...logits: number[]): Outcome => ({ outputs: [output("logits", 2, ...logits)], failed: [], ms: 0 });

  test("where all is within 1e-4 of the largest magnitude, and the labels are equal", () => {
    expect(agree(of(100, 0, -Infinity, 3), of(100.009, 0.009, -Infinity, 3))).toBe(true);
    expect(agree(of(100, 0), of(100.02, 0))).toBe(false);
    expect(agree(of(100, 99.999), of(99.999, 100))).toBe(false);
    expect(agree(of(1, -Infinity), of(1, 0))).toBe(false);
    expect(agree(of(1, 0), of(1, NaN))).toBe(false);
  });

  test("unless one gives less", () => {
    expect(agree(of(1, 0), of(1, 0, 1, 0))).toBe(false);
    expect(agree(of(1, 0), { ...of(1, 0), failed: [[0, "it failed"]] })).toBe(false);
    expect(agree(of(1, 0), { ...of(1, 0), outputs: [] })).toBe(false);
  });
});
