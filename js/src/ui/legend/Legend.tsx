import type { ColumnSpec } from "../../protocol";
import type { Counts } from "../../view/api";
import { kindsOf } from "../../view/effective";
import { useStore } from "../context";
import { count, plural } from "../format";
import { Categories } from "./Categories";
import { ColorBy } from "./ColorBy";
import { Means } from "./Means";
import { Ramp } from "./Ramp";
import { Threshold } from "./Threshold";
import { Unlike } from "./Unlike";

const WIDTHS = [88, 64, 104, 72, 96, 56, 80, 112, 60, 92, 70, 84, 66, 100];

function Skeleton() {
  return (
    <div class="scroll fade" style={{ overflow: "hidden" }}>
      {WIDTHS.map((width) => (
        <div key={width} class="lg">
          <span class="sk" style={{ width: "8px", borderRadius: "50%" }} />
          <span class="sk" style={{ width: `${width}px` }} />
        </div>
      ))}
    </div>
  );
}

interface Line {
  name: string;
  count: number;
  ring?: boolean;
  color?: string;
}

/** Every cell is accounted for: whatever is not in the list above stands here. */
function footLines(column: ColumnSpec, counts: Counts): Line[] {
  const streams = column.group === "result";
  const missing = streams || counts.color !== column.id ? 0 : (counts.numbers?.missing ?? counts.missing);
  const lines: Line[] = [
    { name: "not run", count: counts.notRun, ring: true },
    { name: "could not be labelled", count: counts.failed, ring: true, color: "var(--err)" },
    { name: "no value", count: missing, color: "var(--mark)" },
    { name: "filtered out", count: counts.total - counts.shown, color: "var(--mark)" },
  ].filter((line) => line.count > 0);
  if (lines.length > 0) return lines;
  const name =
    column.categories === undefined
      ? "cells"
      : plural(
          kindsOf(column),
          column.id === "label" ? "label" : "category",
          column.id === "label" ? "labels" : "categories",
        );
  return [{ name, count: counts.total }];
}

/** The map's own cells, where they stand alone. */
const trainingLines = (training: Uint32Array): Line[] => [
  { name: "training cells", count: training.reduce((sum, n) => sum + n, 0) },
];

interface FootProps {
  column: ColumnSpec;
  counts: Counts;
  training: Uint32Array | null;
}

function Foot({ column, counts, training }: FootProps) {
  return (
    <div class="foot">
      {!training && <Unlike />}
      {(training ? trainingLines(training) : footLines(column, counts)).map(({ name, count: n, ring, color }) => (
        <div key={name} class="lg">
          {ring || color ? <span class={ring ? "dot ring" : "dot"} style={{ "--c": color }} /> : <span />}
          <span class="f2 ell">{name}</span>
          <span class="n">{count(n)}</span>
        </div>
      ))}
    </div>
  );
}

function Body() {
  const store = useStore();
  const column = store.color.value;
  const look = store.look.value;
  const counts = store.counts.value;
  if (!column || !look) return <Skeleton />;
  // For a moment after a change of colour, counts are still of the one before.
  const own = counts?.color === column.id ? counts : null;
  const training = store.show.value === "reference" ? (counts?.training ?? null) : null;
  return (
    <>
      {column.kind === "category" ? (
        <Categories column={column} look={look} counts={own} training={training} />
      ) : (
        <div class="scroll">
          {own?.numbers && <Ramp column={column} look={look} numbers={own.numbers} />}
          {own?.numbers && own.means && <Means means={own.means} look={look} numbers={own.numbers} />}
        </div>
      )}
      {!training && column.unassigned && <Threshold column={column} counts={own} />}
      {counts && <Foot column={column} counts={counts} training={training} />}
    </>
  );
}

export function Legend() {
  return (
    <>
      <ColorBy />
      <Body />
    </>
  );
}
