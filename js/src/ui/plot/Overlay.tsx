import { css, paletteOf } from "../../palette";
import type { Camera, Pointed } from "../../view/api";
import { useStore } from "../context";
import { toScreen } from "./camera";
import type { Rect } from "./card";
import type { PlotController } from "./controller";

function pathOf(polygon: ArrayLike<number>, camera: Camera, closed: boolean): string {
  let path = "";
  for (let i = 0; i + 1 < polygon.length; i += 2) {
    const [x, y] = toScreen(camera, polygon[i] as number, polygon[i + 1] as number);
    path += `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return closed ? `${path}Z` : path;
}

function Lasso({ controller, camera }: { controller: PlotController; camera: Camera }) {
  const { lasso } = useStore();
  const polygon = controller.drawing.value ?? lasso.value;
  if (!polygon) return null;
  const path = pathOf(polygon, camera, true);
  return (
    <>
      <path class="halo" d={path} />
      <path class="lasso" d={path} />
    </>
  );
}

function Ring({ cell, camera, color }: { cell: Pointed; camera: Camera; color: string }) {
  const [x, y] = toScreen(camera, cell.x, cell.y);
  if (Number.isNaN(x)) return null;
  return (
    <g transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}>
      <circle r="7.5" fill="none" stroke="var(--bg)" stroke-width="4" />
      <circle r="7" fill="none" stroke="var(--fg)" stroke-width="1.5" />
      <circle r="3.5" fill={color} stroke="var(--bg)" />
    </g>
  );
}

const GAP = 2;
const CHAR = 3.4;

/** Whether a label, which is about so wide, meets the card. */
function meets(x: number, y: number, text: string, card: Rect | null): boolean {
  if (!card) return false;
  const half = text.length * CHAR + GAP;
  return x + half > card.x && x - half < card.x + card.width && y + 8 > card.y && y - 8 < card.y + card.height;
}

interface Props {
  controller: PlotController;
  ringed: Pointed | null;
  card: Rect | null;
}

/** What lies over the picture, drawn with the picture's own camera: labels, the lasso, a ring round a cell. */
export function Overlay({ controller, ringed, card }: Props) {
  const store = useStore();
  const frame = controller.frame.value;
  if (!frame) return null;
  const spec = store.color.value?.kind === "category" ? store.color.value : store.column("label");
  const label = store.column("label");
  const colors = label ? paletteOf(label, store.dark.value) : [];
  const ringColor = ringed?.state === 1 ? colors[ringed.label] : undefined;
  const dim = store.color.value?.kind === "number";
  return (
    <svg class="overlay" aria-hidden="true">
      <Lasso controller={controller} camera={frame.camera} />
      {frame.labels.map(({ code, x, y }) => {
        const text = spec?.categories?.[code] ?? "";
        return meets(x, y, text, card) ? null : (
          <text key={code} class={dim ? "dim" : undefined} x={x} y={y}>
            {text}
          </text>
        );
      })}
      {ringed && <Ring cell={ringed} camera={frame.camera} color={ringColor ? css(ringColor) : "var(--fg3)"} />}
    </svg>
  );
}
