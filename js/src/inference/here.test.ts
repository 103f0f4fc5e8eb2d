import { expect, test } from "vitest";
import { Slices } from "./here";

test("parts grow while they are short, and shrink when they hold the page up", () => {
  const slices = new Slices();
  expect(slices.size).toBe(1);
  slices.measured(1, 2);
  slices.measured(2, 4);
  expect(slices.size).toBe(4);
  slices.measured(4, 20);
  expect(slices.size).toBe(4);
  slices.measured(4, 45);
  expect(slices.size).toBe(2);
  slices.measured(2, 45);
  slices.measured(1, 45);
  expect(slices.size).toBe(1);
});

test("the rest of a piece tells nothing of larger parts", () => {
  const slices = new Slices();
  slices.measured(1, 1);
  slices.measured(1, 1);
  expect(slices.size).toBe(2);
});
