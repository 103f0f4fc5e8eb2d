/** What stands beside a gene that labels rest on. Pure. */
import type { ExplainedGene, ExplainedGroup, Explains } from "../../protocol";
import { count, plural } from "../format";

interface Method {
  name: string;
  /** Where there is but one way to weigh attention. */
  alone: string;
  bar: string;
  title: string;
}

export const METHODS: Record<Explains, Method> = {
  attention_weighted: {
    name: "weighted",
    alone: "attention",
    bar: "attention, weighted",
    title: "What the model looked at in each step, times what the step decided",
  },
  attention: {
    name: "plain",
    alone: "attention",
    bar: "attention",
    title: "What the model looked at, all steps alike",
  },
  occlusion: {
    name: "by removal",
    alone: "by removal",
    bar: "probability lost without it",
    title: "How much probability the label loses when the gene is taken out of the cell",
  },
};

const ABSENT = "absent";

export const isAbsent = ({ expressed }: ExplainedGene): boolean => expressed === 0;

export function geneText(gene: ExplainedGene): string {
  if (isAbsent(gene)) return ABSENT;
  if (gene.count !== null) return count(gene.count);
  const share = Math.round(100 * gene.expressed);
  return share === 0 ? "<1%" : `${share}%`;
}

const weightWords = (weight: number, method: Explains): string =>
  method !== "occlusion"
    ? `attention ${weight.toPrecision(2)} a cell`
    : weight < 0
      ? `the label is ${(-weight).toPrecision(2)} likelier without it`
      : `the label loses ${weight.toPrecision(2)} without it`;

export function geneTitle(gene: ExplainedGene, method: Explains): string {
  const words = [gene.gene, weightWords(gene.weight, method)];
  if (isAbsent(gene)) words.push("not expressed: its absence counts");
  return words.join(", ");
}

/** What an absent gene does in the list, where there is one. */
export const absentNote = (genes: readonly ExplainedGene[], single: boolean): string =>
  genes.some(isAbsent)
    ? `${ABSENT}: not expressed in ${single ? "this cell" : "any of these"}, its absence counts`
    : "";

/** "from 2,000 of 13,400 cells", "from 21 cells". */
export const fromCells = ({ cells, total }: ExplainedGroup): string =>
  cells < total ? `from ${count(cells)} of ${plural(total, "cell")}` : `from ${plural(cells, "cell")}`;
