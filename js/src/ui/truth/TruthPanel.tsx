import type { ColumnSpec } from "../../protocol";
import { AGREEMENT } from "../../view/effective";
import { useStore } from "../context";
import { count, percent, plural } from "../format";
import { IconButton } from "../parts/Icon";
import { Classes } from "./Classes";
import { type Figures, figuresOf } from "./figures";
import { Matrix } from "./Matrix";

const OTHERS: ReadonlySet<number> = new Set(Object.values(AGREEMENT).filter((code) => code !== AGREEMENT.disagrees));
const NONE: ReadonlySet<number> = new Set();

function Figure({ value, name }: { value: string; name: string }) {
  return (
    <div>
      <dd class="b">{value}</dd>
      <dt class="s11 f2">{name}</dt>
    </div>
  );
}

function Summary({ figures, known }: { figures: Figures; known: ColumnSpec }) {
  const { total, right, assigned, strangers, macroF1 } = figures;
  if (total === 0)
    return (
      <div class="f2">
        None of the names in <span class="mono">{known.name}</span> is a class of the model. Rename them in obs to
        compare.
      </div>
    );
  return (
    <>
      <dl class="figures">
        <Figure value={percent(right, total)} name="accuracy" />
        <Figure value={macroF1.toFixed(2)} name="macro F1" />
        {assigned < total && <Figure value={percent(assigned, total)} name="assigned" />}
      </dl>
      <div class="s11 f2">
        against <span class="mono">{known.name}</span> of {plural(total, "cell")}
        {strangers > 0 && `; ${count(strangers)} more have names that the model does not know`}
      </div>
      {0 < assigned && assigned < total && (
        <div class="s11 f2">{percent(right, assigned)} of the assigned cells are right</div>
      )}
    </>
  );
}

/** Cells where the model disagrees, one click away: selected, or all that is shown. */
function Disagreements({ wrong }: { wrong: number }) {
  const store = useStore();
  const only = store.hidden.value.get("agreement")?.size === OTHERS.size;
  if (wrong === 0) return null;
  const all = `Show ${plural(wrong, "cell")} where the model disagrees`;
  return (
    <div class="disagreements">
      <button
        type="button"
        class="btn"
        title={`${all}: selects them`}
        aria-label={all}
        onClick={() =>
          store.select({ by: "category", column: "agreement", code: AGREEMENT.disagrees, mode: "replace" })
        }
      >
        Show {plural(wrong, "disagreement")}
      </button>
      <IconButton
        icon="filter"
        label="Only these on the map and in the table"
        pressed={only}
        onClick={() => store.hide("agreement", only ? NONE : OTHERS)}
      />
    </div>
  );
}

/** The model against labels that are known, as results come and as the threshold moves. */
export function TruthPanel() {
  const store = useStore();
  const { truth } = store.schema.value ?? {};
  const counts = store.counts.value?.confusion;
  const [known, label, agreement] = [
    store.column(truth?.column ?? ""),
    store.column("label"),
    store.column("agreement"),
  ];
  const figures = truth && label && counts ? figuresOf(counts, truth, label) : null;
  if (!figures || !known || !label || !agreement || figures.rows.length === 0)
    return <div class="sec truth f2">Nothing to compare yet: no cell with a known label has been run.</div>;
  return (
    <div class="scroll truth">
      <div class="sec">
        <Summary figures={figures} known={known} />
        {figures.total > 0 && <Disagreements wrong={figures.wrong} />}
      </div>
      <div class="sec">
        <h4>
          Confusion
          <span class="ell">rows known, columns model</span>
        </h4>
        <Matrix figures={figures} known={known} label={label} agreement={agreement} />
      </div>
      {figures.total > 0 && (
        <div class="sec">
          <h4>Per class</h4>
          <Classes figures={figures} label={label} />
        </div>
      )}
    </div>
  );
}
