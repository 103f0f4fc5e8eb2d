/** Where the hover card goes. Pure. */
import type { PlacedLabel } from "../../view/api";
import type { Box } from "./camera";

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

const EDGE = 8;
const TOOLS = 40;
export const CARD_WIDTH = 208;

/** Labels stand where cells are dense: the place that meets the fewest hides the least. */
export function placeCard(x: number, y: number, height: number, box: Box, labels: readonly PlacedLabel[]): Rect {
  const width = CARD_WIDTH;
  const candidates: [number, number][] = [
    [x + 14, y - height - 8],
    [x + 14, y + 10],
    [x - width - 14, y - height - 8],
    [x - width - 14, y + 10],
    [x + 26, y - height / 2],
    [x - width - 26, y - height / 2],
  ];
  let best: Rect | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const [wantedX, wantedY] of candidates) {
    const left = Math.max(EDGE, Math.min(box.width - width - EDGE, wantedX));
    const top = Math.max(Math.min(TOOLS, y), Math.min(box.height - height - EDGE, wantedY));
    const hidden = labels.filter(
      (l) => l.x > left - 40 && l.x < left + width + 40 && l.y > top - 20 && l.y < top + height + 20,
    );
    const covers = x > left - 8 && x < left + width + 8 && y > top - 8 && y < top + height + 8;
    const cost = Math.abs(left - wantedX) + Math.abs(top - wantedY) + 40 * hidden.length + (covers ? 1000 : 0);
    if (cost >= least) continue;
    least = cost;
    best = { x: left, y: top, width, height };
  }
  return best as Rect;
}
