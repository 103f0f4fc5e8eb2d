import { describe, expect, test } from "vitest";
import type { Output } from "./api";
import { compacted, labelsOf, summed } from "./attention";
import { agree } from "./numbers";
import { together } from "./pieces";

const weights = (name: string, width: number, values: number[]): Output => ({
  name,
  width,
  values: Float32Array.from(values),
});
const genes = (width: number, values: number[]): Output => ({
  name: "attention_genes",
  width,
  values: Int32Array.from(values),
});
const plain = (outputs: Output[]) =>
  Object.fromEntries(outputs.map(({ name, width, values }) => [name, [width, [...values]]]));

describe("attention on its way to the kernel", () => {
  test("what carries weight goes to the front of its row, and columns that no row needs are dropped", () => {
    const outputs = [
      weights("logits", 2, [1, 0, 0, 0]),
      weights("attention", 4, [0, 0.5, 0, 0.25, 0, 0, 0, 1]),
      weights("attention_weighted", 4, [0, 0, 0, 2, 0, 0, 0, 3]),
      genes(4, [0, 7, 0, 9, 0, 0, 0, 9]),
    ];
    expect(plain(compacted(outputs))).toEqual({
      logits: [2, [1, 0, 0, 0]],
      attention: [2, [0.5, 0.25, 1, 0]],
      attention_weighted: [2, [0, 2, 3, 0]],
      attention_genes: [2, [7, 9, 9, 0]],
    });
  });

  test("a column stays where nothing carries weight, and a model without attention is left alone", () => {
    expect(plain(compacted([weights("attention", 2, [0, 0]), genes(2, [5, 6])]))).toEqual({
      attention: [1, [0]],
      attention_genes: [1, [0]],
    });
    const logits = [weights("logits", 2, [1, 2])];
    expect(compacted(logits)).toBe(logits);
    const odd = [weights("attention", 1, [1]), genes(2, [5, 6])];
    expect(compacted(odd), "the kernel says what is wrong with it").toBe(odd);
  });

  test("sums per gene stay, whatever the rows", () => {
    const [rows, width] = [23, 9];
    const values = Array.from({ length: rows * width }, (_, i) => (i * 7) % 5);
    const of = Array.from({ length: rows * width }, (_, i) => (i * 11) % 6);
    const sum = (outputs: Output[]) => {
      const [w, g] = [outputs[0]!, outputs[1]!];
      const sums = new Array(6).fill(0);
      w.values.forEach((value, at) => {
        sums[g.values[at]!] += value;
      });
      return [w.values.length / w.width, ...sums];
    };
    const before = sum([weights("attention", width, values), genes(width, of)]);
    expect(sum(compacted([weights("attention", width, values), genes(width, of)]))).toEqual(before);
  });

  test("parts of different width are put together by padding, positions stay whole numbers", () => {
    const part = (...outputs: Output[]) => ({ cells: 1, outcome: { outputs, failed: [], ms: 1 } });
    const whole = together([
      part(weights("attention", 1, [1]), genes(1, [48_118])),
      part(weights("attention", 3, [0.5, 0.25, 0.125]), genes(3, [4, 5, 6])),
    ]);
    expect(plain(whole.outputs)).toEqual({
      attention: [3, [1, 0, 0, 0.5, 0.25, 0.125]],
      attention_genes: [3, [48_118, 0, 0, 4, 5, 6]],
    });
    expect(whole.outputs[1]?.values).toBeInstanceOf(Int32Array);
  });

  test("of a lease it is added up per label; cells of one label share an entry per gene", () => {
    const outputs = [
      weights("logits", 2, [1, 0, 0, 3, 2, 2]),
      weights("xy", 1, [4, 5, 6]),
      weights("attention", 3, [0.5, 0.25, 0, 1, 0, 0, 0.25, 0.5, 0]),
      weights("attention_weighted", 3, [2, 0, 0, 3, 0, 0, 5, 7, 0]),
      genes(3, [9, 9, 0, 9, 0, 0, 7, 9, 0]),
    ];
    expect(plain(summed(outputs))).toEqual({
      logits: [2, [1, 0, 0, 3, 2, 2]],
      xy: [1, [4, 5, 6]],
      attention_codes: [1, [0, 0, 1]],
      attention_genes: [1, [9, 7, 9]],
      attention: [1, [1.25, 0.25, 1]],
      attention_weighted: [1, [9, 5, 3]],
    });
  });

  test("nothing that carries weight gives empty lists, and no attention or no labels change nothing", () => {
    const none = [weights("logits", 1, [1]), weights("attention", 1, [0]), genes(1, [5])];
    expect(plain(summed(none))).toEqual({
      logits: [1, [1]],
      attention_codes: [1, []],
      attention_genes: [1, []],
      attention: [1, []],
    });
    expect(summed(none.slice(1))).toEqual(none.slice(1));
    expect(summed([])).toEqual([]);
  });

  test("labels are the largest logits, the earlier where two are equal, infinite ones too", () => {
    const logits = [-Infinity, -Infinity, 1, 1, -2, -1];
    expect([...labelsOf(weights("logits", 2, logits))]).toEqual([0, 0, 1]);
  });

  test("engines that name equal genes in another order agree", () => {
    const outcome = (...of: number[]) => ({
      outputs: [weights("logits", 2, [1, 2]), weights("attention", 2, [1, 1]), genes(2, of)],
      failed: [],
      ms: 1,
    });
    expect(agree(outcome(3, 4), outcome(4, 3))).toBe(true);
  });
});
