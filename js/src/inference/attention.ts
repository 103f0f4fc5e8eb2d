/** Attention on its way: of a cell mostly padding, of a lease's cells one weight per label and gene. */
import type { Output } from "./api";

const GENES = "attention_genes";
const CODES = "attention_codes";
const ABSENT = -1;

const isWeights = ({ name }: Output) => name.startsWith("attention") && name !== GENES;

/** Moves what carries weight to the front of each row, and drops the columns behind that no row needs; at least one stays. */
export function compacted(outputs: Output[]): Output[] {
  const genes = outputs.find(({ name }) => name === GENES);
  const weights = outputs.filter(isWeights);
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

/**
 * Outputs with attention added up per label, since nobody asks for that of each cell: `attention_codes`,
 * `attention_genes` and the weights are lists then, with an entry for each gene that cells of a label look at.
 */
export function summed(outputs: Output[]): Output[] {
  const genes = outputs.find(({ name }) => name === GENES);
  const logits = outputs.find(({ name }) => name === "logits");
  const weights = outputs.filter(isWeights);
  if (!genes || !logits || weights.length === 0) return outputs;
  const labels = labelsOf(logits);
  const places = placesOf(labels, genes, weights);
  const sums = weights.map(({ name, values }) => {
    const its = new Float32Array(places.codes.length);
    for (let at = 0; at < values.length; at++) {
      const place = places.of[at] as number;
      if (place !== ABSENT) its[place] = (its[place] as number) + (values[at] as number);
    }
    return list(name, its);
  });
  const others = outputs.filter((output) => output !== genes && !weights.includes(output));
  return [...others, list(CODES, Int32Array.from(places.codes)), list(GENES, Int32Array.from(places.genes)), ...sums];
}

const list = (name: string, values: Output["values"]): Output => ({ name, width: 1, values });

/** Gives each label's genes a place in the list, and tells the place of every weight there is. */
function placesOf(labels: Int32Array, { width, values: genes }: Output, weights: Output[]) {
  const codes: number[] = [];
  const named: number[] = [];
  const of = new Int32Array(genes.length).fill(ABSENT);
  let most = 0;
  for (const gene of genes) most = Math.max(most, gene);
  const found = new Int32Array(most + 1);
  for (const code of new Set(labels)) {
    found.fill(ABSENT);
    for (let cell = 0; cell < labels.length; cell++) {
      if (labels[cell] !== code) continue;
      for (let at = cell * width; at < (cell + 1) * width; at++) {
        if (weights.every(({ values }) => values[at] === 0)) continue;
        const gene = genes[at] as number;
        if (found[gene] === ABSENT) {
          found[gene] = codes.push(code) - 1;
          named.push(gene);
        }
        of[at] = found[gene] as number;
      }
    }
  }
  return { codes, genes: named, of };
}

/** The best label of each cell, the earlier one where two are equal. */
export function labelsOf({ width, values }: Output): Int32Array {
  const labels = new Int32Array(values.length / width);
  for (let cell = 0; cell < labels.length; cell++) {
    const begin = cell * width;
    let best = begin;
    for (let at = begin + 1; at < begin + width; at++) if ((values[at] as number) > (values[best] as number)) best = at;
    labels[cell] = best - begin;
  }
  return labels;
}
