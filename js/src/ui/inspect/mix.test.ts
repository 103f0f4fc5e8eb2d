import { expect, test } from "vitest";
import { mixOf } from "./mix";

test("labels of the selection, most frequent first, beside the rest", () => {
  const { lines, others } = mixOf([1, 0, 3], [50, 50, 0]);
  expect(lines).toEqual([
    { code: 2, share: 0.75, rest: 0 },
    { code: 0, share: 0.25, rest: 0.5 },
  ]);
  expect(others).toEqual({ count: 0, share: 0 });
});

test("many labels: eight and the others together make one", () => {
  const selection = Array.from({ length: 20 }, (_, i) => i + 1);
  const { lines, others } = mixOf(selection, selection);
  expect([lines.length, others.count]).toEqual([8, 12]);
  expect(lines.reduce((sum, { share }) => sum + share, others.share)).toBeCloseTo(1);
});

test("nine labels are shown: `1 more` says less than its label", () => {
  expect(mixOf(new Array(9).fill(1), new Array(9).fill(0)).lines).toHaveLength(9);
});

test("nothing labelled is no label", () => expect(mixOf([0, 0], [0, 0]).lines).toEqual([]));
