import { signal } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import type { Store } from "../../store";
import type { PlotView, Theme } from "../../view/api";
import { fitTo, resized, shows, toData, toScreen, zoom } from "./camera";
import { CARD_WIDTH, placeCard } from "./card";
import { PlotController } from "./controller";

const BOX = { width: 640, height: 380 };
const EXTENT = { x0: -5, y0: -2, x1: 7, y1: 3 };

describe("camera", () => {
  const camera = fitTo(EXTENT, BOX);

  test("everything is in view, and up is up", () => {
    expect(shows(camera, EXTENT, BOX)).toBe(true);
    expect(toScreen(camera, 0, 3)[1]).toBeLessThan(toScreen(camera, 0, -2)[1]);
  });

  test("there and back again", () => {
    const [x, y] = toData(camera, ...toScreen(camera, 1.25, -0.5));
    expect([x, y]).toEqual([expect.closeTo(1.25), expect.closeTo(-0.5)]);
  });

  test("zooming keeps the point under the mouse", () => {
    const before = toData(camera, 100, 200);
    const after = toData(zoom(camera, 100, 200, 3, camera.k), 100, 200);
    expect(after).toEqual([expect.closeTo(before[0]), expect.closeTo(before[1])]);
  });

  test("zooming ends somewhere", () => {
    let near = camera;
    let far = camera;
    for (let i = 0; i < 200; i++) {
      near = zoom(near, 0, 0, 2, camera.k);
      far = zoom(far, 0, 0, 0.5, camera.k);
    }
    expect([near.k / camera.k, far.k / camera.k]).toEqual([expect.closeTo(400), expect.closeTo(0.2)]);
  });

  test("one point has a camera too", () => {
    const { x, y, k } = fitTo({ x0: 1, y0: 1, x1: 1, y1: 1 }, BOX);
    expect([x, y, k].every(Number.isFinite)).toBe(true);
  });

  test("room that is taken leaves the middle in the middle", () => {
    const middle = toData(camera, BOX.width / 2, BOX.height / 2);
    const smaller = { width: 640, height: 320 };
    expect(toData(resized(camera, BOX, smaller), 320, 160)).toEqual([
      expect.closeTo(middle[0]),
      expect.closeTo(middle[1]),
    ]);
  });
});

describe("hover card", () => {
  test.each([
    [0, 0],
    [640, 380],
    [320, 190],
    [5, 375],
  ])("of a cell at %d, %d is in the plot and not on the cell", (x, y) => {
    const card = placeCard(x, y, 72, BOX, []);
    expect(card.x).toBeGreaterThanOrEqual(0);
    expect(card.x + CARD_WIDTH).toBeLessThanOrEqual(BOX.width);
    expect(card.y + card.height).toBeLessThanOrEqual(BOX.height);
    expect(x >= card.x && x <= card.x + card.width && y >= card.y && y <= card.y + card.height).toBe(false);
  });

  test("goes where it hides no label", () => {
    const card = placeCard(320, 190, 72, BOX, [{ code: 0, x: 400, y: 150 }]);
    expect(card.x > 400 || card.x + card.width < 400 || card.y > 150 || card.y + card.height < 150).toBe(true);
  });
});

describe("a map in a room that changes", () => {
  const opened = () => {
    const camera = vi.fn<PlotView["camera"]>();
    const plot = { camera, resize: vi.fn(), dress: vi.fn(), detach: vi.fn() };
    const store = { extent: signal(EXTENT), schema: signal(null), view: { attach: () => plot } } as unknown as Store;
    const controller = new PlotController(store, {} as Theme, true, vi.fn());
    controller.resize(BOX.width, BOX.height, 1, "1100 640");
    return { controller, last: () => camera.mock.lastCall?.[0] };
  };
  const HIGH = { width: 640, height: 900 };

  test("is fitted anew with the widget's own size, as long as nobody moved it", () => {
    const { controller, last } = opened();
    expect(last()).toEqual(fitTo(EXTENT, BOX));
    controller.resize(HIGH.width, HIGH.height, 1, "1100 1160");
    expect(last()).toEqual(fitTo(EXTENT, HIGH));
    controller.pan(5, 0);
    const moved = last();
    controller.resize(BOX.width, BOX.height, 1, "1100 640");
    expect(last()).toEqual(resized(moved!, HIGH, BOX));
  });

  test("is only cropped where a strip takes its room", () => {
    const { controller, last } = opened();
    const low = { ...BOX, height: 320 };
    controller.resize(low.width, low.height, 1, "1100 640");
    expect(last()).toEqual(resized(fitTo(EXTENT, BOX), BOX, low));
  });
});
