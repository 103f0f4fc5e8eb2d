import type { ComponentChildren } from "preact";
import type { ColumnSpec } from "../../protocol";
import type { Hidden } from "../../store";
import { useStore } from "../context";
import { count } from "../format";
import { Icon, IconButton } from "../parts/Icon";

function Chip({
  words,
  remove,
  onRemove,
  selection,
}: {
  words: string;
  remove: string;
  onRemove(): void;
  selection?: boolean;
}) {
  return (
    <span class={selection ? "chip sel" : "chip"}>
      <span class="ell">{words}</span>
      <IconButton icon="x" label={remove} onClick={onRemove} />
    </span>
  );
}

function hiddenWords(spec: ColumnSpec | undefined, off: ReadonlySet<number>): string {
  const names = spec?.categories ?? [];
  const kept = names.length - off.size;
  if (kept === 1) return `only ${names.find((_, code) => !off.has(code))}`;
  const [first] = off;
  if (off.size === 1 && first !== undefined) return `without ${names[first]}`;
  return `${count(off.size)} ${spec?.id === "label" ? "labels" : `of ${spec?.name ?? ""}`} off`;
}

function filterChips(
  hidden: Hidden,
  column: (id: string) => ColumnSpec | undefined,
  show: (id: string) => void,
): ComponentChildren {
  return [...hidden].map(([id, off]) => (
    <Chip key={id} words={hiddenWords(column(id), off)} remove="Show all again" onRemove={() => show(id)} />
  ));
}

/** How many cells, of how many, and why: every filter and the selection are chips that can be taken away. */
export function TableBar({ narrow }: { narrow: boolean }) {
  const store = useStore();
  const { run, table, counts, hidden, sort } = store;
  const selected = counts.value?.selected ?? 0;
  const total = run.value?.total ?? 0;
  const toggleFirst = () => {
    sort.value = { ...sort.value, selectionFirst: !sort.value.selectionFirst };
  };
  if (!store.schema.value)
    return (
      <div class="tbar">
        <span class="sk" style={{ width: "96px" }} />
      </div>
    );
  return (
    <div class="tbar">
      <span class="ell" style={{ flex: "0 1 auto" }}>
        <span class="b">{count(table.value.total)}</span>
        <span class="f2">
          {" "}
          of {count(total)}
          {narrow ? "" : " cells"}
        </span>
      </span>
      {filterChips(hidden.value, store.column, (id) => store.hide(id, new Set()))}
      {store.onlyUnlike.value && (
        <Chip
          words="unlike training"
          remove="Show all again"
          onRemove={() => {
            store.onlyUnlike.value = false;
          }}
        />
      )}
      {selected > 0 && (
        <Chip
          words={`${count(selected)} selected`}
          remove="Clear the selection"
          onRemove={() => store.select({ by: "none" })}
          selection
        />
      )}
      <span class="grow" />
      {selected > 0 && (
        <button
          type="button"
          class="ib words"
          aria-pressed={sort.value.selectionFirst}
          aria-label="Selection first"
          title="Selection first"
          onClick={toggleFirst}
        >
          <Icon name="top" />
          {!narrow && <span>Selection first</span>}
        </button>
      )}
    </div>
  );
}
