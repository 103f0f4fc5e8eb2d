import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Body, Outbox } from "./outbox";

interface Sent {
  content: { type: string; messages?: { type: string; buffers: number }[] };
  buffers: ArrayBuffer[];
}

const results = (more: object = {}) =>
  ({ type: "results", run: "r", lease: 1, id: 1, outputs: [], failed: [], ...more }) as Body<never>;

function outbox(): { box: Outbox; sent: Sent[] } {
  const sent: Sent[] = [];
  const send = (content: unknown, _: unknown, buffers: ArrayBuffer[] = []) =>
    sent.push({ content: content as Sent["content"], buffers });
  return { box: new Outbox({ send }, "p"), sent };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what may wait goes together", () => {
  const { box, sent } = outbox();
  for (let i = 0; i < 3; i++) box.put(results(), [new ArrayBuffer(10)], true);
  expect(sent).toHaveLength(0);
  vi.runAllTimers();
  expect(sent).toHaveLength(1);
  expect(sent[0]?.content.messages?.map(({ buffers }) => buffers)).toEqual([1, 1, 1]);
});

test.each([
  ["buffers", () => [results(), [new ArrayBuffer(700_000)]] as const],
  ["texts", () => [results({ b64: ["x".repeat(700_000)] }), []] as const],
])("no message is as large as servers refuse: %s", (_, make) => {
  const { box, sent } = outbox();
  for (let i = 0; i < 20; i++) {
    const [body, buffers] = make();
    box.put(body, [...buffers], true);
  }
  vi.runAllTimers();
  expect(sent.flatMap(({ content }) => content.messages ?? [content])).toHaveLength(20);
  for (const { content, buffers } of sent) {
    const size = JSON.stringify(content).length + buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(size).toBeLessThan(4e6);
  }
});
