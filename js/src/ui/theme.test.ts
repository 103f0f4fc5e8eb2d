import { expect, test } from "vitest";
import type { Rgb } from "../view/api";
import { buttonText, canvasColors, contrast, isDark } from "./theme";

const WHITE: Rgb = [255, 255, 255];

test("black on white is the largest contrast there is", () => {
  expect(contrast([0, 0, 0], WHITE)).toBeCloseTo(21);
  expect(contrast(WHITE, WHITE)).toBe(1);
});

test.each<[string, Rgb, boolean]>([
  ["JupyterLab light", WHITE, false],
  ["JupyterLab dark", [17, 17, 17], true],
  ["VS Code dark", [31, 31, 31], true],
  ["Solarized light", [253, 246, 227], false],
  ["Solarized dark", [0, 43, 54], true],
])("the ground of %s", (_, ground, dark) => expect(isDark(ground)).toBe(dark));

test.each<[string, Rgb]>([
  ["Jupyter's light blue", [25, 118, 210]],
  ["Jupyter's dark blue", [66, 165, 245]],
  ["a yellow", [255, 235, 59]],
])("words on a button of %s are legible", (_, button) => {
  const text: Rgb = buttonText(button) === "#fff" ? WHITE : [11, 26, 40];
  expect(contrast(text, button)).toBeGreaterThanOrEqual(4.5);
});

test("ghosts stay between the ground and the cells", () => {
  const dark = canvasColors("jupyter", true);
  expect(dark.backdrop[0]).toBeLessThan(dark.ghost[0]);
  expect(dark.ghost[0]).toBeLessThan(dark.zero[0]);
  const light = canvasColors("plain", false);
  expect(light.backdrop[0]).toBeGreaterThan(light.ghost[0]);
});
