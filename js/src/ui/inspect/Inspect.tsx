import { useStore } from "../context";
import { CellPanel } from "./CellPanel";
import { RunPanel } from "./RunPanel";
import { SelectionPanel } from "./SelectionPanel";

/** One cell, a selection, or, with neither, the run itself. */
export function Inspect() {
  const { pin, counts } = useStore();
  if (pin.value) return <CellPanel pin={pin.value} />;
  if (counts.value && counts.value.selected > 0) return <SelectionPanel counts={counts.value} />;
  return <RunPanel />;
}
