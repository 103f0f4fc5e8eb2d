import { describe, expect, test } from "vitest";
import { count, duration, megabytes, percent, plural, sentence, speed, timeLeft, value } from "./format";

test("counts have thousands separators", () => {
  expect(count(8412)).toBe("8,412");
  expect(count(0)).toBe("0");
});

test("bytes are millions of bytes, which downloads are counted in", () => {
  expect([4_210_000, 7_130_000, 0].map(megabytes)).toEqual(["4.2", "7.1", "0.0"]);
});

test("shares have one decimal, and none of nothing is no share", () => {
  expect(percent(1, 3)).toBe("33.3%");
  expect(percent(0, 0)).toBe("");
});

test("one cell, many cells", () => {
  expect(plural(1, "cell")).toBe("1 cell");
  expect(plural(2000, "category", "categories")).toBe("2,000 categories");
});

test.each([
  ["the run failed", "The run failed."],
  ["Done.", "Done."],
  [" wait …", "Wait …"],
  ["", ""],
])("%j is the sentence %j", (text, words) => expect(sentence(text)).toBe(words));

describe("times", () => {
  test.each([
    [0, "0.0 s"],
    [20.44, "20.4 s"],
    [59.96, "1 min 0 s"],
    [200, "3 min 20 s"],
    [3900, "1 h 5 min"],
  ])("%d s have passed: %s", (seconds, words) => expect(duration(seconds)).toBe(words));

  test.each([
    [0, "1 s left"],
    [9.2, "10 s left"],
    [61, "1 min 1 s left"],
  ])("%d s are left: %s", (seconds, words) => expect(timeLeft(seconds)).toBe(words));
});

test("slow runs have a decimal", () => {
  expect(speed(3.25)).toBe("3.3 cells/s");
  expect(speed(12_345.6)).toBe("12,346 cells/s");
});

test.each([
  [Number.NaN, {}, ""],
  [4286, { integer: true }, "4,286"],
  [0, {}, "0.00"],
  [0.456, {}, "0.46"],
  [0.0004, {}, "4.00e-4"],
  [-1234.5, {}, "-1,235"],
  [1e9, {}, "1.00e+9"],
  [0.0004, { id: "entropy" }, "0.00"],
  [7e-7, { id: "distance" }, "0.00"],
  [0.0004, { id: "distance" }, "4.00e-4"],
])("the value %d in %j is written %s", (v, column, text) => expect(value(v, { id: "obs:x", ...column })).toBe(text));
