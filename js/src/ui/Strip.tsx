import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { RunState, Schema } from "../protocol";
import type { Store } from "../store";
import { useStore } from "./context";
import { count, plural } from "./format";
import { Icon, IconButton, type IconName } from "./parts/Icon";
import { phaseOf } from "./words";

interface Notice {
  /** What it is about: dismissed once, it stays away until it changes. */
  key: string;
  icon: IconName;
  error?: boolean;
  title: string;
  detail: string;
  more: string;
  action?: { label: string; run(): void };
  dismiss?: () => void;
}

function failed(run: RunState, store: Store): Notice {
  const problem = run.problem ?? { title: "The run failed.", detail: "", remedy: "" };
  const kept = run.done > 0 ? `The ${plural(run.done, "cell")} done so far are kept.` : "";
  const label = run.done > 0 ? "Go on" : "Try again";
  return {
    key: `failed ${run.run} ${problem.title}`,
    icon: "alert",
    error: true,
    title: problem.title,
    detail: problem.detail,
    more: problem.remedy || kept,
    action: store.session.can.run ? { label, run: () => store.session.command("resume") } : undefined,
  };
}

function ready(run: RunState, schema: Schema, store: Store): Notice {
  const { report } = schema;
  return {
    key: "ready",
    icon: "clock",
    title: `${plural(run.total, "cell")}, ready to label.`,
    detail: report
      ? `${count(report.genes_matched)} of the model’s ${count(report.genes_model)} genes are in this data.`
      : "",
    more: "",
    action: store.session.can.run ? { label: "Run", run: () => store.session.command("run") } : undefined,
  };
}

function partly(run: RunState): Notice {
  const reasons = run.failures.map(({ reason, cells }) => `${count(cells)}: ${reason}`).join("; ");
  return {
    key: `cells ${run.run} ${run.failed}`,
    icon: "alert",
    title: `${plural(run.failed, "cell")} could not be labelled.`,
    detail: reasons,
    more: "",
  };
}

/** The one thing that matters most now, or nothing. */
function noticeOf(store: Store): Notice | null {
  const run = store.run.value;
  const schema = store.schema.value;
  const phase = phaseOf(run, store.connection.value);
  if (phase === "lost")
    return {
      key: "lost",
      icon: "unplug",
      title: "The kernel does not answer.",
      detail: "What is here can still be explored.",
      more: "It goes on by itself when the kernel answers again; after a restart, run the cell again.",
    };
  if (!run || !schema) return null;
  if (phase === "failed") return failed(run, store);
  const told = store.notice.value;
  if (told) {
    const dismiss = () => {
      store.notice.value = null;
    };
    return {
      key: `told ${told.title}`,
      icon: "alert",
      title: told.title,
      detail: told.detail,
      more: told.remedy,
      dismiss,
    };
  }
  if (phase === "ready" && run.total > 0) return ready(run, schema, store);
  const over = phase === "done" || phase === "stopped";
  if (over && run.failed > 0) return partly(run);
  const [note] = run.notes;
  return note ? { key: `note ${note}`, icon: "info", title: note, detail: "", more: "" } : null;
}

function Text({ title, detail, more }: Pick<Notice, "title" | "detail" | "more">): ComponentChildren {
  return (
    <div class="tx">
      <div>
        <span class="b">{title}</span> {detail}
      </div>
      {more && <div class="f2">{more}</div>}
    </div>
  );
}

/** What needs a decision, or must be known: one strip under the run bar, which takes its room from the plot. */
export function Strip() {
  const store = useStore();
  const [seen, setSeen] = useState("");
  const notice = noticeOf(store);
  if (!notice || notice.key === seen) return <div />;
  const { icon, error, action } = notice;
  const dismissible = !action && notice.key !== "lost";
  const dismiss = () => {
    setSeen(notice.key);
    notice.dismiss?.();
  };
  return (
    <div class={error ? "strip" : "strip plain"} role={error ? "alert" : "status"}>
      <Icon name={icon} />
      <Text {...notice} />
      <div class="act">
        {action && (
          <button type="button" class="btn pri" onClick={action.run}>
            {action.label}
          </button>
        )}
        {dismissible && <IconButton icon="x" label="Dismiss" onClick={dismiss} />}
      </div>
    </div>
  );
}
