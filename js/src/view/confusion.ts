/** Known labels against those of the model, counted in one pass. */
import type { Columns } from "./columns";

/** Cells by known label (rows) and label (columns, the last of unassigned cells), row after row; null without known labels. */
export function confusionOf(columns: Columns): Uint32Array | null {
  const { truth } = columns.schema;
  const known = truth && columns.numbers(truth.column);
  const label = columns.numbers("label");
  if (!known || !label) return null;
  const [names, labels] = [known.spec.categories?.length ?? 0, label.spec.categories?.length ?? 0];
  const counts = new Uint32Array(names * labels);
  const [rows, said] = [known.values, label.values];
  for (let row = 0; row < known.held; row++) {
    const [name, code] = [rows[row] as number, said[row] as number];
    // What is beyond the lists is missing.
    if (name >= names || code >= labels) continue;
    const at = name * labels + code;
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}
