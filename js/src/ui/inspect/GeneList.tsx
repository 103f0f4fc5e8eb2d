import { type ExplainedGene, type Explains, geneId } from "../../protocol";
import type { Store } from "../../store";
import { useStore } from "../context";
import { geneText, geneTitle } from "./genes";

/** Colours the map by a gene; a second time, by what it was at first. */
export function colorByGene(store: Store, gene: string): void {
  const id = geneId(gene);
  const first = store.schema.peek()?.color ?? "label";
  store.colorBy(store.color.peek()?.id === id ? first : id);
}

interface NameProps {
  gene: string;
  title?: string;
}

/** A gene that one can colour by, where the data have it. */
export function GeneName({ gene, title = gene }: NameProps) {
  const store = useStore();
  if (!store.genes.has(gene))
    return (
      <span class="ell" title={`${title}, not among the genes of these cells`}>
        {gene}
      </span>
    );
  return (
    <button
      type="button"
      class="gene ell"
      title={`${title}. Click: colour by it`}
      aria-pressed={store.color.value?.id === geneId(gene)}
      onClick={() => colorByGene(store, gene)}
    >
      {gene}
    </button>
  );
}

/** Bars as long as genes weigh; hollow ones speak against the label. */
export function GeneList({ genes, method }: { genes: readonly ExplainedGene[]; method: Explains }) {
  const most = Math.max(...genes.map(({ weight }) => Math.abs(weight)), Number.MIN_VALUE);
  return (
    <>
      {genes.map((gene) => (
        <div key={gene.gene} class="bullet">
          <GeneName gene={gene.gene} title={geneTitle(gene, method)} />
          <span class="track">
            <i
              class={gene.weight < 0 ? "against" : undefined}
              style={{ width: `${(100 * Math.abs(gene.weight)) / most}%` }}
            />
          </span>
          <span class="num f2">{geneText(gene)}</span>
        </div>
      ))}
    </>
  );
}
