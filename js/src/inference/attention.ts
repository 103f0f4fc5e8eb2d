/** Attention as it leaves a graph: mostly padding, which need not cross. */
import type { Output } from "./api";

const GENES = "attention_genes";

/** Moves what carries weight to the front of each row, and drops the columns behind that no row needs; at least one stays. */
export function compacted(outputs: Output[]): Output[] {
  const genes = outputs.find(({ name }) => name === GENES);
  const weights = outputs.filter(({ name }) => name.startsWith("attention") && name !== GENES);
  if (!genes || weights.length === 0 || weights.length > 2 || weights.some(({ width }) => width !== genes.width))
    return outputs;
  const { width } = genes;
  const parts = [genes, ...weights];
  // Nearly all of it is padding, and this is passed over for every cell: no calls in here.
  const [first, second] = weights.map(({ values }) => values) as [Output["values"], Output["values"]?];
  let most = 1;
  for (let begin = 0; begin < genes.values.length; begin += width) {
    let to = begin;
    for (let at = begin; at < begin + width; at++) {
      if (first[at] === 0 && (second === undefined || second[at] === 0)) continue;
      if (to !== at) for (const { values } of parts) values[to] = values[at] as number;
      to++;
    }
    for (const { values } of parts) values.fill(0, to, begin + width);
    most = Math.max(most, to - begin);
  }
  return outputs.map((output) => (parts.includes(output) ? narrowed(output, most) : output));
}

function narrowed({ name, width, values }: Output, to: number): Output {
  const rows = values.length / width;
  for (let row = 1; row < rows; row++) values.copyWithin(row * to, row * width, row * width + to);
  return { name, width: to, values: values.slice(0, rows * to) };
}
