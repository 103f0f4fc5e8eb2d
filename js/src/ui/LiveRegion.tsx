import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { EngineName } from "../protocol";
import { useStore } from "./context";
import { ENGINES } from "./engines";
import { count, plural } from "./format";
import { announcement, type Phase, phaseOf } from "./words";

interface Said {
  phase: Phase | null;
  engine: EngineName | null;
  selected: number;
  shown: number | null;
}

/** Reads aloud, politely, what changed: the run's state, the selection, the filters. */
export function LiveRegion() {
  const { run, connection, counts, download } = useStore();
  const text = useSignal("");
  const said = useRef<Said>({
    phase: null,
    engine: null,
    selected: 0,
    shown: null,
  });

  useSignalEffect(() => {
    const phase = phaseOf(run.value, connection.value, download.value);
    if (!run.value) return;
    const { engine } = run.value;
    const before = { ...said.current };
    said.current.phase = phase;
    said.current.engine = engine;
    if (phase !== before.phase) text.value = announcement(run.value, phase);
    else if (engine !== before.engine) text.value = `Engine: ${ENGINES[engine].name}`;
  });
  useSignalEffect(() => {
    const now = counts.value;
    if (!now) return;
    const before = { ...said.current };
    said.current.selected = now.selected;
    said.current.shown = now.shown;
    if (now.selected !== before.selected)
      text.value = now.selected === 0 ? "Nothing selected" : `${plural(now.selected, "cell")} selected`;
    else if (before.shown !== null && now.shown !== before.shown)
      text.value = `${count(now.shown)} of ${plural(now.total, "cell")} shown`;
  });
  return (
    <div class="sr" role="status" aria-live="polite">
      {text}
    </div>
  );
}
