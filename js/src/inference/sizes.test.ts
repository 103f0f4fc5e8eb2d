import { expect, test } from "vitest";
import { Sizes } from "./sizes";

function settle(sizes: Sizes, ms: Record<number, number>): number {
  for (let tries = 0; !sizes.settled && tries < 100_000; tries++)
    sizes.measured(sizes.size, sizes.size, sizes.size * (ms[sizes.size] as number));
  expect(sizes.settled).toBe(true);
  return sizes.size;
}

test("the fastest size is kept", () => {
  expect(settle(new Sizes(4_096), { 16: 1, 64: 0.5, 256: 0.6 })).toBe(64);
  expect(settle(new Sizes(4_096), { 16: 1, 64: 0.5, 256: 0.2 })).toBe(256);
  expect(settle(new Sizes(4_096), { 16: 1, 64: 1 })).toBe(16);
});

test("a slow model is given fewer cells at once", () => {
  expect(settle(new Sizes(4_096), { 16: 100, 4: 100 })).toBe(4);
  expect(settle(new Sizes(4_096), { 16: 900, 4: 900, 1: 900 })).toBe(1);
});

test("memory bounds the size", () => {
  expect(settle(new Sizes(3), { 3: 1, 1: 1 })).toBe(3);
  expect(settle(new Sizes(40), { 16: 1, 40: 0.1 })).toBe(40);
});

test("pieces of another size are not measured", () => {
  const sizes = new Sizes(4_096);
  for (let i = 0; i < 20; i++) {
    sizes.measured(5, 5, 0.001);
    sizes.measured(16, 3, 0.001);
  }
  expect(sizes.settled).toBe(false);
  expect(sizes.rate).toBe(0);
});

test("short batches go out several in a piece, once the size is known", () => {
  const sizes = new Sizes(4_096);
  expect(sizes.piece).toBe(16);
  settle(sizes, { 16: 0.5, 64: 0.5 });
  expect(sizes.piece % 16).toBe(0);
  expect(sizes.piece).toBeGreaterThanOrEqual(64);
  const slow = new Sizes(4_096);
  settle(slow, { 16: 60, 64: 60 });
  expect(slow.piece).toBe(16);
});
