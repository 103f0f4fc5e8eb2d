import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Threshold } from "./threshold";

let sent: { value: number; done(): void }[];
let threshold: Threshold;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  threshold = new Threshold((value) => new Promise((done) => sent.push({ value, done })));
});
afterEach(() => vi.useRealTimers());

const values = () => sent.map(({ value }) => value);
const answer = async () => {
  sent.at(-1)?.done();
  await vi.advanceTimersByTimeAsync(300);
};

test("a drag is here at once, and told as fast as it is answered, the last value always", async () => {
  for (const value of [0.1, 0.2, 0.3, 0.4]) threshold.move(value);
  expect(threshold.value.value).toBe(0.4);
  expect(values()).toEqual([0.1]);
  await answer();
  expect(values()).toEqual([0.1, 0.4]);
  await answer();
  expect(values()).toEqual([0.1, 0.4]);
  expect(threshold.value.value).toBe(0.4);
});

test("what the kernel says of an earlier value does not pull it back", async () => {
  threshold.move(0.4);
  threshold.hear(0);
  expect(threshold.value.value).toBe(0.4);
  await answer();
  expect(threshold.value.value).toBe(0.4);
});

test("what another page or Python says counts, also when it comes amid a drag", async () => {
  threshold.hear(0.7);
  expect(threshold.value.value).toBe(0.7);
  threshold.move(0.4);
  sent.at(-1)?.done();
  await vi.advanceTimersByTimeAsync(10);
  threshold.hear(0.9);
  expect(threshold.value.value).toBe(0.4);
  await vi.advanceTimersByTimeAsync(300);
  expect(threshold.value.value).toBe(0.9);
});

test("beyond the ends are the ends, and no change is no message", () => {
  threshold.move(-1);
  expect(sent).toHaveLength(0);
  threshold.move(3);
  expect(values()).toEqual([1]);
});
