import { useStore } from "../context";
import { CellPanel } from "./CellPanel";
import { ClassPanel, isolatedLabel } from "./ClassPanel";
import { RunPanel } from "./RunPanel";
import { SelectionPanel } from "./SelectionPanel";

/** One cell, a selection, a label that stands alone, or, with none of them, the run itself. */
export function Inspect() {
  const store = useStore();
  const { pin, counts, color } = store;
  if (pin.value) return <CellPanel pin={pin.value} />;
  if (counts.value && counts.value.selected > 0) return <SelectionPanel counts={counts.value} />;
  const alone = isolatedLabel(store);
  if (alone !== null && color.value) return <ClassPanel column={color.value} code={alone} />;
  return <RunPanel />;
}
