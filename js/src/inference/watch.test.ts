import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watch } from "./watch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("tells once that it is late", () => {
  const late = vi.fn();
  new Watch().begin(1200, late);
  vi.advanceTimersByTime(1100);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  expect(late).toHaveBeenCalledTimes(1);
});

test("waits no longer once it is stopped, and from the start when it begins again", () => {
  const [first, second] = [vi.fn(), vi.fn()];
  const watch = new Watch();
  watch.begin(1200, first);
  vi.advanceTimersByTime(1100);
  watch.begin(1200, second);
  vi.advanceTimersByTime(1100);
  watch.stop();
  vi.advanceTimersByTime(5000);
  expect([first, second].map((late) => late.mock.calls.length)).toEqual([0, 0]);
});

test("does not count the time that the machine slept", () => {
  const late = vi.fn();
  new Watch().begin(1200, late);
  vi.advanceTimersByTime(600);
  const asleep = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 3_600_000);
  vi.advanceTimersByTime(100);
  asleep.mockRestore();
  expect(late).not.toHaveBeenCalled();
});
