/** Known labels for made-up cells: mostly what the model says, less often where it is unsure. */
import type { ColumnSpec } from "../src/protocol";
import type { MemoryData } from "../src/session/memory";

const STRANGERS = ["Chandelier", "<i>odd</i> type"];
const NOBODY = ["cluster A", "cluster B", "cluster C"];
/** A class that no known label has the name of. */
const LEFT_OUT = "Exclude";

export interface TruthOptions {
  /** No name is one of the model's. */
  strange?: boolean;
}

export function withTruth(data: MemoryData, { strange = false }: TruthOptions = {}): MemoryData {
  const { schema, columns } = data;
  const { classes } = schema.model;
  const names = strange ? NOBODY : [...classes.filter((name) => name !== LEFT_OUT), ...STRANGERS].sort();
  const codeOf = new Map(names.map((name, code) => [name, code]));
  const label = columns.label as Uint8Array;
  const second = columns.second as Uint8Array;
  const score = columns.score as Float32Array;
  const values = Uint8Array.from(label, (code, row) => {
    if (row % 53 === 0) return 255;
    if (strange) return code % NOBODY.length;
    const wrong = ((row * 7919) % 1000) / 1000 > 0.55 + 0.5 * (score[row] as number);
    const name = classes[(wrong ? second[row] : code) as number] as string;
    if (name === "PVALB" && row % 9 === 0) return codeOf.get(STRANGERS[row % 2] as string) as number;
    return codeOf.get(name) ?? 255;
  });
  const truth: ColumnSpec = {
    id: "obs:cell_type",
    name: "cell_type",
    kind: "category",
    group: "obs",
    dtype: "u1",
    categories: names,
  };
  const agreement: ColumnSpec = {
    id: "agreement",
    name: "agreement",
    kind: "category",
    group: "result",
    dtype: "u1",
    categories: ["agrees", "disagrees", "unassigned", "name not in the model", "not known"],
    colors: ["#6e87ca", "#c54d1b", "#9a9a9a", "#cfa21c", "#c8c8c8"],
  };
  const [cell, ...rest] = schema.columns;
  return {
    ...data,
    schema: {
      ...schema,
      columns: [cell as ColumnSpec, agreement, truth, ...rest],
      truth: { column: truth.id, codes: names.map((name) => classes.indexOf(name)) },
    },
    columns: { ...columns, [truth.id]: values },
  };
}
