import { useEffect, useRef, useState } from "preact/hooks";
import type { TableSlice } from "../../view/api";
import { useStore } from "../context";

/** Rows kept ready above and below what is in sight. */
const SPARE = 12;

/**
 * The rows in sight, and some around. One question at a time, always the newest: rows that are not there yet are drawn
 * empty and fill in place.
 */
export function useSlice(first: number, count: number, columns: readonly string[]): TableSlice | null {
  const { view, table } = useStore();
  const [slice, setSlice] = useState<TableSlice | null>(null);
  const asked = useRef<{ busy: boolean; next: (() => Promise<TableSlice>) | null; alive: boolean }>({
    busy: false,
    next: null,
    alive: true,
  });
  const version = table.value.version;
  const start = Math.max(0, first - SPARE);
  const ids = columns.join("\u0000");

  useEffect(() => {
    const state = asked.current;
    state.next = () => view.table(start, count + 2 * SPARE, [...columns]);
    if (state.busy) return;
    state.busy = true;
    (async () => {
      while (state.next && state.alive) {
        const ask = state.next;
        state.next = null;
        const answer = await ask();
        if (state.alive) setSlice(answer);
      }
      state.busy = false;
    })();
  }, [view, start, count, ids, version]);
  useEffect(() => {
    const state = asked.current;
    state.alive = true;
    return () => {
      state.alive = false;
    };
  }, []);
  return slice;
}
