/** What is near a place on the map. Pure. */

/** The nearest of `count` places, x and y in turn, within some distance, that passes; -1 for none. */
export function nearest(
  xy: Float32Array,
  count: number,
  [x, y]: readonly [number, number],
  radius: number,
  passes: (i: number) => boolean,
): number {
  let [best, found] = [radius * radius, -1];
  for (let i = 0; i < count; i++) {
    const dx = (xy[2 * i] as number) - x;
    const dy = (xy[2 * i + 1] as number) - y;
    const distance = dx * dx + dy * dy;
    if (distance < best && passes(i)) {
      best = distance;
      found = i;
    }
  }
  return found;
}
