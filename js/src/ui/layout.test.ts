import { expect, test } from "vitest";
import { defaultHeight, lowerHeight, widthClass } from "./layout";

test.each([
  [1100, "wide"],
  [900, "wide"],
  [899, "mid"],
  [700, "mid"],
  [699, "narrow"],
  [420, "narrow"],
  [419, "tiny"],
])("%d pixels are %s", (width, name) => expect(widthClass(width)).toBe(name));

test("a wide cell is higher", () => expect([defaultHeight(900), defaultHeight(899)]).toEqual([640, 480]));

test.each(["wide", "mid", "narrow", "tiny"] as const)("at any height a %s widget leaves room for its plot", (width) => {
  for (let height = 320; height < 1600; height += 40)
    expect(height - 40 - lowerHeight(width, height)).toBeGreaterThan(110);
});
