import { useStore } from "../context";
import { count, plural } from "../format";
import { IconButton } from "../parts/Icon";
import { limitOf, UNLIKE_HINT } from "../unlike";

/** How many cells are unlike anything in training: a click selects them, the button beside shows nothing else. */
export function Unlike() {
  const store = useStore();
  const limit = limitOf(store.schema.value);
  const unlike = store.counts.value?.unlike ?? null;
  const only = store.onlyUnlike.value;
  if (limit === null || unlike === null || (unlike === 0 && !only)) return null;
  return (
    <div class="unlike">
      <button
        type="button"
        class="lg"
        title={`${UNLIKE_HINT}. Click: select them`}
        aria-label={`Select the ${plural(unlike, "cell")} unlike anything in training`}
        onClick={() => store.select({ by: "above", column: "distance", limit, mode: "replace" })}
      >
        <span class="dot ring" style={{ "--c": "var(--fg)" }} />
        <span class="ell">unlike training</span>
      </button>
      <IconButton
        icon="filter"
        label="Only cells unlike anything in training"
        pressed={only}
        onClick={() => {
          store.onlyUnlike.value = !only;
        }}
      />
      <span class="f2">{count(unlike)}</span>
    </div>
  );
}
