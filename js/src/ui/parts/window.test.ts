import { describe, expect, test } from "vitest";
import { listHeight, scrollTo, spanOf } from "./window";

const ROW = 24;

describe.each([5, 300, 100_000, 5_000_000])("a list of %d rows", (total) => {
  const view = 240;
  const end = Math.max(0, listHeight(total, ROW) - view);

  test.each([0, 0.001, 0.37, 0.999, 1])("scrolled to %d of its length covers what is in sight", (share) => {
    const scroll = end * share;
    const { first, count, top } = spanOf(total, ROW, scroll, view);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first + count).toBeLessThanOrEqual(total);
    expect(top).toBeLessThanOrEqual(Math.ceil(scroll));
    expect(top + count * ROW).toBeGreaterThanOrEqual(Math.min(Math.floor(scroll) + view, total * ROW) - 1);
    expect(count).toBeLessThanOrEqual(view / ROW + 1);
  });

  test("reaches its first and its last row", () => {
    expect(spanOf(total, ROW, 0, view).first).toBe(0);
    const last = spanOf(total, ROW, end, view);
    expect(last.first + last.count).toBe(total);
  });

  test.each([0, 0.5, 1])("scrolls to the row at %d of it, and not when it is there already", (share) => {
    const index = Math.round((total - 1) * share);
    const scroll = scrollTo(total, ROW, 0, view, index);
    const { first, count, top } = spanOf(total, ROW, scroll, view);
    expect(index).toBeGreaterThanOrEqual(first);
    expect(index).toBeLessThan(first + count);
    const at = top + (index - first) * ROW - scroll;
    expect(at).toBeGreaterThanOrEqual(-1);
    expect(at + ROW).toBeLessThanOrEqual(view + 1);
    expect(Math.abs(scrollTo(total, ROW, scroll, view, index) - scroll)).toBeLessThan(1);
  });
});

test("an empty list has no rows", () => expect(spanOf(0, ROW, 0, 240).count).toBe(0));
