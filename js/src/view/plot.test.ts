import { expect, test } from "vitest";
import type { Theme } from "./api";
import type { Ruler } from "./labels";
import type { Painter, Picture } from "./painter";
import { Plot } from "./plot";
import { datasetOf, randomOf, rowsOf, stateOf } from "./testing";

const RULER = { measure: (text: string) => 6 * text.length } as unknown as Ruler;
const SIZE = { width: 400, height: 300, dpr: 1 };

/** A plot of cells under way, and what was asked of its painter. */
function plotOf({ still = false, status = "running" as "running" | "done" } = {}) {
  const data = datasetOf(100, 1);
  data.setRun(stateOf(status));
  const plot = new Plot(data, SIZE, { font: "sans-serif" } as Theme, still);
  const asked: Picture[] = [];
  const painter = { draw: (_: unknown, picture: Picture) => asked.push(picture) } as unknown as Painter;
  return {
    data,
    plot,
    draw: (now: number) => {
      plot.draw(painter, RULER, now);
      return asked.at(-1) as Picture;
    },
  };
}

const CAMERA = { x: 0, y: 300, k: 30 };

test("drawing takes a tenth of the time while a run goes on, and what it likes afterwards", () => {
  const { plot, data, draw } = plotOf();
  plot.move(CAMERA, 30, 1);
  draw(1);
  plot.charge(40);
  expect(plot.interval).toBe(400);
  data.setRun(stateOf("done"));
  expect(plot.interval).toBe(0);
});

test("even the slowest picture keeps to its tenth, drawn in part", () => {
  const { plot, draw } = plotOf();
  plot.move(CAMERA, 30, 1);
  draw(1);
  plot.charge(4000);
  const { share } = draw(2);
  expect(share * 4000 * 10).toBeLessThanOrEqual(plot.interval + 1);
});

test("a slow picture is drawn in part while the camera moves, and whole when it rests", () => {
  const { plot, draw } = plotOf({ status: "done" });
  plot.move(CAMERA, 30, 1);
  expect(draw(1).share).toBe(1);
  plot.charge(500);
  plot.move({ ...CAMERA, x: 5 }, 30, 2);
  expect(draw(2).share).toBeCloseTo(0.1);
  expect(plot.resting(2.01)).toBeGreaterThan(0);
  expect(plot.due(2.2)).toBe(true);
  expect(draw(2.2).share).toBe(1);
});

test("points are born only where frames are quick, and motion is not unwanted", () => {
  const bornAfter = (cost: number, still: boolean) => {
    const { plot, data, draw } = plotOf({ still });
    plot.move(CAMERA, 30, 1);
    draw(1);
    plot.charge(cost);
    const fresh = [...data.columns.state.keys()].filter((row) => data.columns.state[row] === 0);
    data.takeRows(rowsOf(fresh, randomOf(2)), 5);
    return draw(5.1).births;
  };
  expect([bornAfter(3, false), bornAfter(30, false), bornAfter(3, true)]).toEqual([true, false, false]);
});

test("drawing goes on until the last point has settled, then stops", () => {
  const { plot, data, draw } = plotOf();
  plot.move(CAMERA, 30, 1);
  draw(1);
  plot.charge(3);
  data.takeRows(rowsOf([0, 1, 2], randomOf(2)), 5);
  data.takeRows(rowsOf([...data.columns.state.keys()], randomOf(3)), 5);
  draw(5.1);
  expect(plot.due(5.2)).toBe(true);
  expect(draw(8).births).toBe(false);
  expect(plot.due(8.1)).toBe(false);
});

test("nothing is due without a camera or without room, nor twice for the same", () => {
  const { plot, draw } = plotOf({ status: "done" });
  expect(plot.due(1)).toBe(false);
  plot.move(CAMERA, 30, 1);
  plot.resize(0, 0, 1);
  expect(plot.due(1)).toBe(false);
  plot.resize(400, 300, 1);
  expect(plot.due(1)).toBe(true);
  draw(1);
  expect(plot.due(2)).toBe(false);
  expect(plot.resting(2)).toBeNull();
});

test("a plot of another run keeps its camera and its dress", () => {
  const { plot } = plotOf();
  plot.move(CAMERA, 12, 1);
  const next = plot.showing(datasetOf(10, 2));
  expect(next.camera).toEqual(CAMERA);
  expect(next.due(1)).toBe(true);
});
