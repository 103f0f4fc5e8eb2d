import type { InputReport } from "../../protocol";
import { useStore } from "../context";
import { engineLine } from "../engines";
import { count, duration } from "../format";
import { LabelGenes } from "./LabelGenes";

type Line = [name: string, value: string, mono?: boolean];

function Lines({ title, lines }: { title: string; lines: Line[] }) {
  if (lines.length === 0) return null;
  return (
    <div class="sec">
      <h4>{title}</h4>
      <dl class="pairs">
        {lines.map(([name, value, mono]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={mono ? "mono" : undefined}>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

const TRAINED_ON: Record<string, string> = {
  counts: "raw counts",
  log1p_10k: "log1p of counts per 10,000",
  as_is: "values as they were handed to it",
};

const trainedOn = (values: string): Line[] => (values in TRAINED_ON ? [["trained on", TRAINED_ON[values] ?? ""]] : []);

function inputLines(report: InputReport): Line[] {
  const lines: Line[] = [
    ["cells", count(report.cells)],
    ["values", `${report.values} in ${report.matrix}`],
    ...trainedOn(report.trained_on),
    ["genes matched", `${count(report.genes_matched)} of ${count(report.genes_model)}`],
    ["gene ids", `${report.id_type}s in ${report.ids_in}`],
  ];
  if (report.duplicates_summed > 0) lines.push(["duplicates", `${count(report.duplicates_summed)} summed`]);
  if (report.empty_cells > 0) lines.push(["empty cells", count(report.empty_cells)]);
  if (report.total) lines.push(["total over", report.total]);
  return lines;
}

function useRunLines(): Line[] {
  const { run, counts } = useStore();
  const state = run.value;
  const score = counts.value?.score;
  if (!state || state.done + state.failed === 0) return [];
  const lines: Line[] = [["labelled", `${count(state.done)} of ${count(state.total)}`]];
  if (state.failed > 0) lines.push(["not labelled", count(state.failed)]);
  if (score) lines.push(["median score", score.median.toFixed(2)], ["below 0.50", count(score.below)]);
  const unlike = counts.value?.unlike ?? null;
  if (unlike !== null) lines.push(["unlike training", count(unlike)]);
  lines.push(["engine", engineLine(state)]);
  if (state.status === "done") lines.push(["time", duration(state.elapsed)]);
  if (state.written) lines.push(["written to", state.written, true]);
  return lines;
}

/** Nothing is pointed at: what this run did, and what the model found in the data. */
export function RunPanel() {
  const { schema } = useStore();
  const lines = useRunLines();
  const report = schema.value?.report;
  return (
    <>
      <div class="hd alone">
        <span class="b">Inspect</span>
      </div>
      <div class="scroll">
        {schema.value && <div class="sec f2">Click a cell, or hold Shift and draw around some.</div>}
        <Lines title="This run" lines={lines} />
        <LabelGenes />
        {report && <Lines title="Input" lines={inputLines(report)} />}
        {report && report.notes.length > 0 && (
          <div class="sec s12 f2">
            {report.notes.map((note) => (
              <div key={note}>{note}</div>
            ))}
          </div>
        )}
      </div>
    </>
  );
}
