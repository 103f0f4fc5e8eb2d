/** Where the plot looks: screen = (x, y) + k * (data.x, -data.y), in CSS pixels. Pure. */
import type { Camera, Extent } from "../../view/api";

export interface Box {
  width: number;
  height: number;
}

const MARGIN = 20;
/** Zoom over fit. */
const LEAST = 0.2;
const MOST = 400;

export function fitTo({ x0, y0, x1, y1 }: Extent, { width, height }: Box): Camera {
  const wide = Math.max(x1 - x0, 1e-6);
  const high = Math.max(y1 - y0, 1e-6);
  const k = Math.min(Math.max(width - 2 * MARGIN, 16) / wide, Math.max(height - 2 * MARGIN, 16) / high);
  return { x: width / 2 - (k * (x0 + x1)) / 2, y: height / 2 + (k * (y0 + y1)) / 2, k };
}

export const pan = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x + dx,
  y: camera.y + dy,
});

/** Zooms by a factor and keeps the screen point (x, y) where it is. */
export function zoom(camera: Camera, x: number, y: number, factor: number, fitted: number): Camera {
  const k = Math.min(Math.max(camera.k * factor, fitted * LEAST), fitted * MOST);
  const f = k / camera.k;
  return { x: x - (x - camera.x) * f, y: y - (y - camera.y) * f, k };
}

/** Room was taken or given: the middle stays in the middle, only the window on it changes. */
export const resized = (camera: Camera, before: Box, after: Box): Camera =>
  pan(camera, (after.width - before.width) / 2, (after.height - before.height) / 2);

export const toScreen = (camera: Camera, x: number, y: number): [number, number] => [
  camera.x + camera.k * x,
  camera.y - camera.k * y,
];

export const toData = (camera: Camera, x: number, y: number): [number, number] => [
  (x - camera.x) / camera.k,
  (camera.y - y) / camera.k,
];

/** Whether all of the extent is on the screen. */
export function shows(camera: Camera, extent: Extent, { width, height }: Box): boolean {
  const [left, top] = toScreen(camera, extent.x0, extent.y1);
  const [right, bottom] = toScreen(camera, extent.x1, extent.y0);
  return left >= 0 && top >= 0 && right <= width && bottom <= height;
}
