import { describe, expect, test } from "vitest";
import { randomOf } from "../view/testing";
import { padded } from "./feed";
import { cellsOf, cut, together } from "./pieces";
import { marked, outcomeOf, pieceOf } from "./testing";

const TWO = pieceOf([
  [
    [3, 1],
    [1, 2],
    [7, 3],
  ],
  [[2, 9]],
]);

describe("a piece spread out", () => {
  test("is as wide as its longest cell, the rest padded", () => {
    const { cells, width, genes, counts } = padded(TWO);
    expect([cells, width]).toEqual([2, 3]);
    expect([...genes]).toEqual([3, 1, 7, 2, -1, -1]);
    expect([...counts]).toEqual([1, 2, 3, 9, 0, 0]);
  });

  test("is one wide where cells have no genes at all", () => {
    const { width, genes, counts } = padded(pieceOf([[], []]));
    expect([width, ...genes, ...counts]).toEqual([1, -1, -1, 0, 0]);
  });

  test("has nothing of another piece in it", () => {
    padded(pieceOf(Array.from({ length: 4 }, () => Array.from({ length: 50 }, (_, gene) => [gene, 200]))));
    expect([...padded(TWO).counts]).toEqual([1, 2, 3, 9, 0, 0]);
  });

  test("takes genes and counts of every type", () => {
    const { genes, counts } = padded({
      indptr: Uint32Array.of(0, 2),
      genes: Uint32Array.of(70_000, 0),
      counts: Float32Array.of(0.5, 1e9),
    });
    expect([...genes]).toEqual([70_000, 0]);
    expect([...counts]).toEqual([0.5, 1e9]);
  });
});

describe("a piece cut", () => {
  test("gives each cell its own genes, totals, draws and batch", () => {
    const piece = {
      ...TWO,
      total: Float32Array.of(6, 9),
      uniform: Float64Array.of(0.1, 0.2, 0.3, 0.4),
      batch: Uint32Array.of(4, 5),
    };
    expect(cut(piece, 1, 2)).toEqual({
      ...pieceOf([[[2, 9]]]),
      total: Float32Array.of(9),
      uniform: Float64Array.of(0.3, 0.4),
      batch: Uint32Array.of(5),
    });
    expect(cut(piece, 0, 2)).toEqual(piece);
  });

  test("and put together again is whole, wherever it is cut", () => {
    const next = randomOf(4);
    for (let round = 0; round < 50; round++) {
      const cells = 1 + Math.floor(20 * next());
      const piece = marked(...Array.from({ length: cells }, () => Math.floor(250 * next())));
      const at = Math.floor((cells + 1) * next());
      const parts = [cut(piece, 0, at), cut(piece, at, cells)];
      expect(parts.map(cellsOf)).toEqual([at, cells - at]);
      const whole = together(parts.map((part) => ({ cells: cellsOf(part), outcome: outcomeOf(part) })));
      expect(whole).toEqual(outcomeOf(piece, 2));
    }
  });
});

test("failed cells keep their positions when parts are put together, and their outputs are left out", () => {
  const outcome = together([
    {
      cells: 2,
      outcome: {
        outputs: [],
        failed: [
          [0, "a"],
          [1, "b"],
        ],
        ms: 1,
      },
    },
    { cells: 3, outcome: { ...outcomeOf(marked(1, 2)), failed: [[1, "c"]] } },
  ]);
  expect(outcome.failed).toEqual([
    [0, "a"],
    [1, "b"],
    [3, "c"],
  ]);
  expect([...outcome.outputs[0]!.values]).toEqual([1, 2]);
});
