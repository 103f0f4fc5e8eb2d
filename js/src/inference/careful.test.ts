import { describe, expect, test, vi } from "vitest";
import { EngineError, type Outcome, type Piece } from "./api";
import { Careful, PieceFailed } from "./careful";
import { cellsOf } from "./pieces";
import { marked, outcomeOf } from "./testing";

/** Fails for pieces with one of these marks in them. */
function failing(...bad: number[]) {
  return vi.fn(async (piece: Piece): Promise<Outcome> => {
    if ([...piece.counts].some((mark) => bad.includes(mark))) throw new PieceFailed("it failed");
    return outcomeOf(piece);
  });
}

const logits = (outcome: Outcome) => [...(outcome.outputs[0]?.values ?? [])];

describe("a piece that fails is run in halves", () => {
  test("and the bad cells fail alone", async () => {
    const outcome = await new Careful(failing(3, 8)).run(marked(1, 2, 3, 4, 5, 6, 7, 8));
    expect(outcome.failed).toEqual([
      [2, "the model failed: it failed"],
      [7, "the model failed: it failed"],
    ]);
    expect(logits(outcome)).toEqual([1, 2, 4, 5, 6, 7]);
  });

  test("and none fails where a smaller piece goes through", async () => {
    const run = vi.fn(async (piece: Piece) => {
      if (cellsOf(piece) > 2) throw new PieceFailed("bad_alloc");
      return outcomeOf(piece);
    });
    expect(await new Careful(run).run(marked(1, 2, 3, 4, 5))).toMatchObject({ failed: [] });
  });

  test("but not where nothing is to be won", async () => {
    for (const error of [new EngineError("T", "d"), new DOMException("dropped", "AbortError")]) {
      const run = vi.fn(() => Promise.reject(error));
      await expect(new Careful(run).run(marked(1, 2))).rejects.toBe(error);
      expect(run).toHaveBeenCalledTimes(1);
    }
  });
});

test("an engine that fails for all cells of the first piece is broken", async () => {
  const error = await new Careful(failing(1, 2, 3)).run(marked(1, 2, 3)).catch((reason) => reason);
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).toBe("it failed");
});

test("a cell is not to blame where one that went through before fails now", async () => {
  const run = failing(9);
  const careful = new Careful(run);
  await careful.run(marked(1, 2));
  expect((await careful.run(marked(9))).failed).toEqual([[0, "the model failed: it failed"]]);
  run.mockImplementation(() => Promise.reject(new PieceFailed("all is lost")));
  await expect(careful.run(marked(3))).rejects.toThrow(EngineError);
});

test("no cells are no work", async () => {
  const run = failing();
  expect(await new Careful(run).run(marked())).toEqual({ outputs: [], failed: [], ms: 0 });
  expect(run).not.toHaveBeenCalled();
});

test("a long reason is cut", async () => {
  const careful = new Careful(failing(9));
  await careful.run(marked(1));
  const long = vi.fn(async (piece: Piece) => {
    if (piece.counts.includes(9)) throw new PieceFailed("x".repeat(999));
    return outcomeOf(piece);
  });
  const [[, reason] = [0, ""]] = (await new Careful(long).run(marked(1, 9))).failed;
  expect(reason.length).toBeLessThan(230);
});
