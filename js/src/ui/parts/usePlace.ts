import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Pointed } from "../../view/api";
import { useStore } from "../context";

/** A cell's place and values, which change when the layout or its result does; null for none. */
export function usePlace(row: number | null): Pointed | null {
  const store = useStore();
  const place = useSignal<Pointed | null>(null);
  const version = store.table.value.version;
  useEffect(() => {
    if (row === null) {
      place.value = null;
      return;
    }
    let stale = false;
    store.view.place(row).then((found) => {
      if (!stale) place.value = found;
    });
    return () => {
      stale = true;
    };
  }, [store, row, version, place]);
  return place.value;
}
