import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Command, Problem, RunState, Schema } from "../protocol";
import type { Store } from "../store";
import { useStore } from "./context";
import { enginesOf } from "./engines";
import { count, plural, sentence } from "./format";
import { Icon, IconButton, type IconName } from "./parts/Icon";
import { useLater } from "./parts/useLater";
import { type Phase, phaseOf } from "./words";

/** Between two pages nobody runs the model for a moment. */
const SLOW = 3_000;

interface Action {
  label: string;
  run(): void;
}

interface Notice {
  /** What it is about: dismissed once, it stays away until it changes. */
  key: string;
  icon: IconName;
  error?: boolean;
  /** Waits for a decision, as an error does: where there is little room, the buttons go below the words. */
  asks?: boolean;
  title: string;
  detail: string;
  more: string;
  /** What goes on from here, the likeliest first. */
  actions?: Action[];
  dismiss?: () => void;
}

const action = (store: Store, label: string, command: Command): Action[] =>
  store.session.can.run ? [{ label, run: () => store.session.command(command) }] : [];

/** The way on where a page does not manage. */
function inKernel(run: RunState, store: Store): Action[] {
  const engines = enginesOf(store.schema.value, store.session.can.engines);
  const offered = run.engine === "browser" && engines.includes("kernel");
  return offered ? action(store, "Run in the kernel", "kernel") : [];
}

function failed(run: RunState, store: Store): Notice {
  const problem = run.problem ?? { title: "The run failed", detail: "", remedy: "" };
  const kept = run.done > 0 ? `The ${plural(run.done, "cell")} done so far are kept.` : "";
  return {
    key: `failed ${run.run} ${problem.title}`,
    icon: "alert",
    error: true,
    asks: true,
    title: problem.title,
    detail: problem.detail,
    more: problem.remedy || kept,
    actions: [...inKernel(run, store), ...action(store, run.done > 0 ? "Resume" : "Try again", "resume")],
  };
}

function ready(run: RunState, schema: Schema, store: Store): Notice {
  const { report } = schema;
  return {
    key: `ready ${run.run}`,
    icon: "clock",
    title: `${plural(run.total, "cell")}, ready to label`,
    detail: report
      ? `${count(report.genes_matched)} of the model’s ${count(report.genes_model)} genes are in this data`
      : "",
    more: "",
    actions: action(store, "Run", "run"),
  };
}

function waiting(run: RunState, store: Store): Notice {
  const actions = inKernel(run, store);
  return {
    key: `waiting ${run.run}`,
    icon: "clock",
    asks: true,
    title: "No page is running the model",
    detail: "The run goes on when one does",
    more: actions.length > 0 ? "Reload this page, or go on in the kernel from where the run is." : "Reload this page.",
    actions,
  };
}

function partly(run: RunState): Notice {
  return {
    key: `cells ${run.run} ${run.failed}`,
    icon: "alert",
    title: `${plural(run.failed, "cell")} could not be labelled`,
    detail: run.failures.map(({ reason, cells }) => `${count(cells)}: ${reason}`).join("; "),
    more: "",
  };
}

function told(problem: Problem, store: Store): Notice {
  const dismiss = () => {
    store.notice.value = null;
  };
  const { title, detail, remedy } = problem;
  return { key: `told ${title}`, icon: "alert", title, detail, more: remedy, dismiss };
}

const LOST: Notice = {
  key: "lost",
  icon: "unplug",
  title: "The kernel does not answer",
  detail: "What is here can still be explored",
  more: "It goes on by itself when the kernel answers again; after a restart, run the cell again.",
};

/** What there is to say, most important first. */
function notices(store: Store, phase: Phase, late: boolean): Notice[] {
  const run = store.run.value;
  const schema = store.schema.value;
  if (phase === "lost") return [LOST];
  if (!run || !schema) return [];
  const all: Notice[] = [];
  if (phase === "failed") all.push(failed(run, store));
  if (store.notice.value) all.push(told(store.notice.value, store));
  if (phase === "waiting" && late) all.push(waiting(run, store));
  if (phase === "ready" && run.total > 0) all.push(ready(run, schema, store));
  if ((phase === "done" || phase === "stopped") && run.failed > 0) all.push(partly(run));
  for (const note of run.notes)
    all.push({ key: `note ${run.run} ${note}`, icon: "info", title: note, detail: "", more: "" });
  return all;
}

function Text({ title, detail, more }: Pick<Notice, "title" | "detail" | "more">): ComponentChildren {
  return (
    <div class="tx">
      <div>
        <span class="b">{sentence(title)}</span> {sentence(detail)}
      </div>
      {more && <div class="f2">{sentence(more)}</div>}
    </div>
  );
}

/** What needs a decision, or must be known: one strip under the run bar, which takes its room from the plot. */
export function Strip() {
  const store = useStore();
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const phase = phaseOf(store.run.value, store.connection.value, store.download.value);
  const late = useLater(phase === "waiting", SLOW);
  const notice = notices(store, phase, late).find(({ key }) => !seen.has(key));
  if (!notice) return <div />;
  const { icon, error, asks, actions = [] } = notice;
  const dismissible = actions.length === 0 && notice !== LOST;
  const dismiss = () => {
    // What was told once may be told again: the store forgets it.
    if (notice.dismiss) notice.dismiss();
    else setSeen(new Set([...seen, notice.key]));
  };
  return (
    <div
      class={["strip", !error && "plain", asks && "asks"].filter(Boolean).join(" ")}
      role={error ? "alert" : "status"}
    >
      <Icon name={icon} />
      <Text {...notice} />
      <div class="act">
        {actions.map(({ label, run }, i) => (
          <button key={label} type="button" class={i === 0 ? "btn pri" : "btn"} onClick={run}>
            {label}
          </button>
        ))}
        {dismissible && <IconButton icon="x" label="Dismiss" onClick={dismiss} />}
      </div>
    </div>
  );
}
