import { css, paletteOf } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import type { Store } from "../../store";
import { kindsOf } from "../../view/effective";
import { useStore } from "../context";
import { plural } from "../format";
import { IconButton } from "../parts/Icon";
import { Why } from "./Why";

/** The label that stands alone in the legend, if one does. */
export function isolatedLabel({ color, hidden }: Store): number | null {
  const column = color.value;
  if (column?.id !== "label") return null;
  const off = hidden.value.get("label");
  if (!off) return null;
  const [on, ...others] = Array.from({ length: kindsOf(column) }, (_, code) => code).filter((code) => !off.has(code));
  return on === undefined || others.length > 0 ? null : on;
}

/** Sums grow while the run goes on: they are asked for again whenever twice as many cells are done, and at the end. */
export function progressOf({ run }: Store): string {
  const state = run.value;
  if (!state) return "";
  return state.status === "running" ? `about 2^${Math.floor(Math.log2(state.done + 1))}` : `${state.done}`;
}

/** One label: how many cells have it, and the genes behind it. */
export function ClassPanel({ column, code }: { column: ColumnSpec; code: number }) {
  const store = useStore();
  const name = column.categories?.[code] ?? "";
  const color = paletteOf(column, store.dark.value)[code];
  const counts = store.counts.value;
  const cells = counts?.color === column.id ? counts.categories?.[code] : undefined;
  return (
    <>
      <div class="hd">
        <span class="dot" style={{ "--c": color && css(color) }} />
        <span class="b ell" title={name}>
          {name}
        </span>
        <span class="f2 ell grow">{cells !== undefined && plural(cells, "cell")}</span>
        <IconButton icon="x" label="Show all labels" onClick={() => store.hide(column.id, new Set())} />
      </div>
      <div class="scroll">
        {cells === 0 ? (
          <div class="sec f2">No cell has this label yet.</div>
        ) : (
          <Why of="class" code={code} title="Genes behind this label" about={progressOf(store)} />
        )}
      </div>
    </>
  );
}
