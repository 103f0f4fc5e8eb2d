import { describe, expect, test, vi } from "vitest";
import type { Explanation, WhyQuestion } from "./protocol";
import { Whys } from "./why";

const CELL: WhyQuestion = { of: "cell", code: null, row: 3, method: "attention" };
const ANSWER: Explanation = { of: "cell", method: "attention", groups: [] };

interface Call {
  signal: AbortSignal;
  progress(share: number): void;
  resolve(answer: Explanation): void;
  reject(error: Error): void;
}

function made() {
  const calls: Call[] = [];
  const explain = vi.fn(
    (_: WhyQuestion, patience: { signal: AbortSignal; progress(share: number): void }) =>
      new Promise<Explanation>((resolve, reject) => calls.push({ ...patience, resolve, reject })),
  );
  return { calls, explain, whys: new Whys({ explain }) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("questions why", () => {
  test("are asked once, whoever looks, and kept", async () => {
    const { calls, explain, whys } = made();
    const [one, two] = [whys.look(CELL, "run"), whys.look(CELL, "run")];
    expect(explain).toHaveBeenCalledTimes(1);
    calls[0]?.progress(0.4);
    expect(two.why.value).toEqual({ state: "asking", share: 0.4 });
    calls[0]?.resolve(ANSWER);
    await settled();
    expect(one.why.value).toEqual({ state: "known", explanation: ANSWER });
    one.leave();
    two.leave();
    await settled();
    expect(whys.look(CELL, "run").why.value.state).toBe("known");
    expect(explain).toHaveBeenCalledTimes(1);
  });

  test("are given up when nobody looks any more, and not before", async () => {
    const { calls, explain, whys } = made();
    const [one, two] = [whys.look(CELL, "run"), whys.look(CELL, "run")];
    one.leave();
    await settled();
    expect(calls[0]?.signal.aborted).toBe(false);
    two.leave();
    const again = whys.look(CELL, "run");
    await settled();
    expect(calls[0]?.signal.aborted, "another view looks in the same moment").toBe(false);
    again.leave();
    await settled();
    expect(calls[0]?.signal.aborted).toBe(true);
    whys.look(CELL, "run");
    expect(explain).toHaveBeenCalledTimes(2);
  });

  test("differ by what they are about, and hold for their run alone", async () => {
    const { calls, explain, whys } = made();
    whys.look(CELL, "selection 1");
    whys.look(CELL, "selection 2");
    expect(explain).toHaveBeenCalledTimes(2);
    whys.clear();
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  test("that failed say why, and are asked anew", async () => {
    const { calls, explain, whys } = made();
    const one = whys.look(CELL, "run");
    calls[0]?.reject(new Error("No cell is labelled yet."));
    await settled();
    expect(one.why.value).toEqual({ state: "failed", reason: "No cell is labelled yet." });
    one.leave();
    await settled();
    whys.look(CELL, "run");
    expect(explain).toHaveBeenCalledTimes(2);
  });
});
