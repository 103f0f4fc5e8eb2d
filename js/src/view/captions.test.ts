import { expect, test } from "vitest";
import { type CaptionScene, Captions } from "./captions";
import type { Dataset } from "./dataset";
import type { Ruler } from "./labels";
import { datasetOf, LOOK, randomOf, rowsOf, stateOf } from "./testing";

/** Six pixels a letter. */
const RULER = { measure: (text: string) => 6 * text.length } as unknown as Ruler;
const SCENE = {
  camera: { x: 0, y: 400, k: 40 },
  width: 400,
  height: 400,
  theme: { font: "sans-serif" },
  labels: true,
  avoid: [],
} as unknown as CaptionScene;

function captionsOf(status: "running" | "done"): { captions: Captions; data: Dataset } {
  const data = datasetOf(300, 1);
  data.setRun(stateOf(status));
  return { captions: new Captions(data), data };
}

test("labels move with the camera, and are placed anew when it rests", () => {
  const { captions } = captionsOf("done");
  const first = captions.place(SCENE, RULER, 10);
  expect(first.length).toBeGreaterThan(0);
  const moved = { ...SCENE, camera: { x: 30, y: 380, k: 40 } };
  captions.moved(20);
  expect(captions.due(moved, 20.05)).toBe(false);
  expect(captions.wait(moved, 20.05)).toBeGreaterThan(0);
  captions.place(moved, RULER, 20.05).forEach(({ code, x, y }, i) => {
    expect(code).toBe(first[i]?.code);
    expect(x - (first[i]?.x ?? 0)).toBeCloseTo(30);
    expect(y - (first[i]?.y ?? 0)).toBeCloseTo(-20);
  });
  expect(captions.due(moved, 20.2)).toBe(true);
  captions.place(moved, RULER, 20.2);
  expect(captions.wait(moved, 20.2)).toBeNull();
});

test("while a run goes on they are placed every two seconds, at its end at once", () => {
  const { captions, data } = captionsOf("running");
  captions.place(SCENE, RULER, 10);
  data.takeRows(rowsOf([1, 2, 3], randomOf(2)), 10);
  expect(captions.due(SCENE, 11.9)).toBe(false);
  expect(captions.due(SCENE, 12)).toBe(true);
  data.setRun(stateOf("done"));
  expect(captions.due(SCENE, 11)).toBe(true);
});

test("switched off there are none, and nothing is due", () => {
  const { captions } = captionsOf("done");
  expect(captions.place({ ...SCENE, labels: false }, RULER, 10)).toEqual([]);
  expect(captions.wait({ ...SCENE, labels: false }, 10)).toBeNull();
});

test("under a number the labels of the model are named; of a category only the one pointed at", () => {
  const { captions, data } = captionsOf("done");
  data.setLook({ ...LOOK, color: "score" });
  expect(captions.place(SCENE, RULER, 10).length).toBeGreaterThan(0);
  data.setLook({ ...LOOK, focus: 2 });
  expect(captions.place(SCENE, RULER, 11).map(({ code }) => code)).toEqual([2]);
});
