import type { ColumnSpec } from "../../protocol";
import type { Counts } from "../../view/api";
import { unassignedCode } from "../../view/effective";
import { useStore } from "../context";
import { plural } from "../format";
import { Bars } from "./Ramp";

const STEPS = 100;
const KEYS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
};

const rounded = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * STEPS) / STEPS;

/** How scores spread, and the threshold below which cells are unassigned: dragged, or moved by keys. */
export function Threshold({ column, counts }: { column: ColumnSpec; counts: Counts | null }) {
  const store = useStore();
  const at = store.threshold.value;
  const score = counts?.score;
  const unassigned = counts?.categories?.[unassignedCode(column)] ?? 0;

  const key = (event: KeyboardEvent) => {
    const by = KEYS[event.key];
    if (by !== undefined) store.moveThreshold(rounded(at + by / STEPS));
    else if (event.key === "Home") store.moveThreshold(0);
    else if (event.key === "End") store.moveThreshold(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const follow = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    store.moveThreshold(rounded((event.clientX - box.left) / box.width));
  };
  const grasp = (event: PointerEvent) => {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    follow(event);
  };
  return (
    <div class="cut">
      <div class="said">
        <span class="f2">{at > 0 ? "Unassigned below" : "Every score has a label"}</span>
        {at > 0 && <span class="b">{at.toFixed(2)}</span>}
      </div>
      <div
        class="slide"
        role="slider"
        tabIndex={0}
        aria-label="Least score that gives a label"
        aria-valuemin={0}
        aria-valuemax={1}
        aria-valuenow={at}
        aria-valuetext={`${at.toFixed(2)}: ${plural(unassigned, "cell")} unassigned`}
        title="Drag: cells with a lower score are unassigned"
        onPointerDown={grasp}
        onPointerMove={(event) => event.buttons === 1 && follow(event)}
        onKeyDown={key}
      >
        {score && <Bars bins={score.bins} from={at} to={1} />}
        <span class="grip" style={{ left: `${100 * at}%` }} />
      </div>
    </div>
  );
}
