import type { Schema } from "../../protocol";
import type { Store } from "../../store";
import type { Show } from "../../view/api";
import { useStore } from "../context";
import { count, plural } from "../format";
import { Icon, type IconName } from "../parts/Icon";
import { useLater } from "../parts/useLater";
import { type Download, downloadWords, phaseOf } from "../words";

interface Words {
  icon?: IconName;
  title: string;
  detail: string;
}

/** A kernel that runs a cell answers only afterwards in many hosts. */
const SLOW = 3_000;

/** What stands where the map would be, while there is none; null when there is. */
function wordsOf(store: Store, late: boolean): Words | null {
  const run = store.run.value;
  const schema = store.schema.value;
  if (!run || !schema) {
    if (!late) return { title: "Asking the kernel", detail: "" };
    return { title: "Waiting for the kernel", detail: "It may be busy with a cell; the map appears when it answers." };
  }
  if (store.gl.value === "none")
    return {
      icon: "map",
      title: "No map here: this browser has no WebGL 2",
      detail: "Labels, table and colours work without it. Another browser, or hardware acceleration, brings the map.",
    };
  if (store.gl.value === "lost") return { icon: "map", title: "The graphics were reset", detail: "Drawing again …" };
  if (store.extent.value) return null;
  if (run.total === 0) return { icon: "map", title: "No cells", detail: "This AnnData is empty." };
  if (run.status === "idle")
    return { icon: "map", title: "No map yet", detail: "Cells find their place as they are labelled." };
  if (run.done > 0 && run.placed === 0) return fitting(run.done);
  const phase = phaseOf(run, store.connection.value, store.download.value);
  if (phase === "fetching" && store.download.value) return fetching(store.download.value);
  if (phase === "waiting")
    return { icon: "clock", title: "Waiting for a page to run the model", detail: plural(run.total, "cell") };
  if (run.phase === "loading the model")
    return { title: "Reading the model", detail: `then ${plural(run.total, "cell")}` };
  if (run.status === "running") return { title: "Labelling", detail: `${plural(run.total, "cell")}` };
  return { icon: "map", title: "No map", detail: "No cell has a place on it." };
}

function fetching(download: NonNullable<Download>): Words {
  const { strong, rest } = downloadWords(download);
  return { title: "Loading the model onto this page", detail: `${strong} ${rest}` };
}

const fitting = (done: number): Words => ({
  icon: "spin",
  title: `${plural(done, "cell")} labelled; the map is being fitted`,
  detail: "The table has every label already.",
});

export function Message() {
  const store = useStore();
  const late = useLater(!store.run.value, SLOW);
  const words = wordsOf(store, late);
  if (!words) return null;
  return (
    <div class="mid" role="status">
      <div>
        {words.icon && <Icon name={words.icon} />}
        <div>{words.title}</div>
        <div class="f2 s12">{words.detail}</div>
      </div>
    </div>
  );
}

/** What the points are or lie over. */
function ground({ source, name, reference }: Schema["layout"], show: Show): string {
  if (source === "umap") return "";
  if (reference === 0) return name;
  const cells = plural(reference, "training cell");
  return { both: `over ${cells}`, reference: cells, query: "" }[show];
}

/** What the points lie over, or how many have found their place. */
export function Caption() {
  const { run, schema, extent, gl, show } = useStore();
  const layout = schema.value?.layout;
  const state = run.value;
  if (!layout || !state || !extent.value || gl.value === "none") return null;
  const waiting = state.done > state.placed;
  const words = waiting
    ? `${count(state.placed)} of ${plural(state.done, "labelled cell")} placed`
    : ground(layout, show.value);
  return words ? <div class="cap s11 f2">{words}</div> : null;
}
