/** What the run bar says: a run's state in words, pure. */
import type { RunState, Schema } from "../protocol";
import type { Store } from "../store";
import { count, duration, megabytes, speed, timeLeft } from "./format";
import type { IconName } from "./parts/Icon";

export type Download = Store["download"]["value"];
/** `fetching`: the page loads what it needs to run the model itself, and nobody else runs it meanwhile. */
export type Phase =
  | "loading"
  | "fetching"
  | "ready"
  | "waiting"
  | "running"
  | "paused"
  | "done"
  | "stopped"
  | "failed"
  | "lost";

export function phaseOf(run: RunState | null, connection: "live" | "lost", download: Download = null): Phase {
  if (connection === "lost") return "lost";
  if (!run) return "loading";
  if (run.status === "idle") return "ready";
  if (run.status === "running" && run.phase === "loading the model") return "loading";
  if (run.status === "waiting" && download) return "fetching";
  return run.status;
}

export const STATE_WORDS: Record<Phase, { word: string; icon: IconName }> = {
  loading: { word: "Loading", icon: "spin" },
  fetching: { word: "Loading", icon: "spin" },
  ready: { word: "Ready", icon: "clock" },
  waiting: { word: "Waiting", icon: "clock" },
  running: { word: "Running", icon: "spin" },
  paused: { word: "Paused", icon: "pause" },
  done: { word: "Done", icon: "check" },
  stopped: { word: "Stopped", icon: "stop" },
  failed: { word: "Failed", icon: "alert" },
  lost: { word: "No kernel", icon: "unplug" },
};

/** The word beside the controls: what a running run is busy with, where that is not labelling. */
export function stateWord(run: RunState | null, phase: Phase): string {
  return phase === "running" && run?.phase === "fitting the layout" ? "Fitting" : STATE_WORDS[phase].word;
}

export interface RunWords {
  /** Share of cells done, for the bar; null where words stand in its place. */
  progress: number | null;
  /** The same for those who hear it. */
  bar: { label: string; now: number; of: number };
  /** Where the bar was, once there is nothing to wait for. */
  genes: string;
  done: { strong: string; rest: string };
  speed: string;
  time: string;
}

export function genesMatched(schema: Schema | null): string {
  const report = schema?.report;
  return report ? `${count(report.genes_matched)} of ${count(report.genes_model)} genes` : "";
}

function time(run: RunState, phase: Phase): string {
  if (phase === "running" || phase === "paused") return run.left === null ? "" : timeLeft(run.left);
  if (phase === "done") return `in ${duration(run.elapsed)}`;
  return (phase === "failed" || phase === "stopped") && run.elapsed > 0 ? `after ${duration(run.elapsed)}` : "";
}

/** Nobody is at work: a speed would be a memory. */
const STILL: Phase[] = ["failed", "lost", "waiting"];

const NOTHING: RunWords = {
  progress: null,
  bar: { label: "", now: 0, of: 0 },
  genes: "",
  done: { strong: "", rest: "" },
  speed: "",
  time: "",
};

/** "4.2", "of 7.1 MB". */
export function downloadWords({ loaded, total }: NonNullable<Download>): RunWords["done"] {
  return { strong: megabytes(loaded), rest: `of ${megabytes(total)} MB` };
}

function fetchWords(download: NonNullable<Download>): RunWords {
  const { loaded, total } = download;
  return {
    ...NOTHING,
    progress: total > 0 ? loaded / total : 0,
    bar: { label: "Bytes loaded", now: loaded, of: total },
    done: downloadWords(download),
  };
}

export function runWords(
  run: RunState | null,
  schema: Schema | null,
  phase: Phase,
  download: Download = null,
): RunWords {
  if (!run) return NOTHING;
  if (phase === "fetching" && download) return fetchWords(download);
  const handled = run.done + run.failed;
  const over = phase === "done" || (phase === "lost" && handled === run.total);
  const idle = phase === "ready" || (phase === "loading" && handled === 0);
  return {
    progress: over ? null : run.total > 0 ? handled / run.total : 0,
    bar: { label: "Cells done", now: run.done, of: run.total },
    genes: over ? genesMatched(schema) : "",
    done: idle
      ? { strong: count(run.total), rest: run.total === 1 ? "cell" : "cells" }
      : { strong: count(run.done), rest: `of ${count(run.total)}` },
    speed: idle || run.rate === null || STILL.includes(phase) ? "" : speed(run.rate),
    time: time(run, phase),
  };
}

/** What is read aloud when a run changes; nothing while it goes on. */
export function announcement(run: RunState, phase: Phase): string {
  if (phase === "done") return `Done: ${count(run.done)} cells labelled in ${duration(run.elapsed)}`;
  if (phase === "failed") return `Failed: ${run.problem?.title ?? "the run ended early"}`;
  if (phase === "running") return `Running on ${count(run.total)} cells`;
  if (phase === "fetching") return "Loading the model onto this page";
  if (phase === "waiting") return "Waiting: no page is running the model";
  return STATE_WORDS[phase].word;
}
