import { describe, expect, test } from "vitest";
import { nearest } from "./near";
import { LOOK } from "./testing";
import { countTraining, drawnTraining, hiddenLabels } from "./training";

const TRAINING = {
  xy: Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3, 9, 9),
  labels: Uint16Array.of(0, 1, 1, 2, 0),
  held: 4,
};
const PLAIN = { ...LOOK, filters: [], focus: -1 };

describe("training cells", () => {
  test("are counted as far as they arrived; labels that cannot be are not", () => {
    expect([...countTraining(TRAINING, 3)]).toEqual([1, 2, 1]);
    expect([...countTraining(TRAINING, 2)]).toEqual([1, 2]);
  });

  test("are hidden by their labels alone", () => {
    const hidden = hiddenLabels([
      { column: "label", off: [1] },
      { column: "second", off: [0] },
      { column: "distance", above: 1 },
    ]);
    expect([0, 1, 2].map(hidden)).toEqual([false, true, false]);
  });

  test("that are not meant are ghosts under the others, and keep their places", () => {
    const { xy, codes, ghosts } = drawnTraining(TRAINING, { ...PLAIN, filters: [{ column: "label", off: [1] }] });
    expect([...codes]).toEqual([1, 1, 0, 2]);
    expect([...xy]).toEqual([1, 1, 2, 2, 0, 0, 3, 3]);
    expect(ghosts).toBe(2);
    expect(drawnTraining(TRAINING, { ...PLAIN, focus: 2 }).ghosts).toBe(3);
    expect(drawnTraining(TRAINING, PLAIN).ghosts).toBe(0);
  });
});

test("the nearest place that passes, within reach", () => {
  const { xy, held } = TRAINING;
  expect(nearest(xy, held, [1.2, 1.2], 1, () => true)).toBe(1);
  expect(nearest(xy, held, [1.2, 1.2], 2, (i) => i !== 1)).toBe(2);
  expect(nearest(xy, held, [9, 9], 1, () => true)).toBe(-1);
});
