import { css, paletteOf } from "../../palette";
import type { Explains } from "../../protocol";
import { useStore } from "../context";
import { progressOf } from "./ClassPanel";
import { GeneName } from "./GeneList";
import { geneTitle } from "./genes";
import { useWhy } from "./useWhy";

const MOST = 3;

/** The heaviest genes of every label, as far as the run came: for models that say what they look at. */
export function LabelGenes() {
  const store = useStore();
  const { schema, run, session, dark } = store;
  const spec = store.column("label");
  const method = schema.value?.model.explains.find((each): each is Explains => each !== "occlusion");
  const ready = spec && method && session.can.inspect && (run.value?.done ?? 0) > 0;
  const { why } = useWhy(ready ? { of: "class", code: null, row: null, method } : null, progressOf(store));
  if (!ready || why?.state !== "known") return null;
  const palette = paletteOf(spec, dark.value);
  const groups = why.explanation.groups.toSorted((a, b) => b.total - a.total);
  return (
    <div class="sec">
      <h4>
        <b>Genes behind labels</b>
        <span>attention</span>
      </h4>
      {groups.map(({ code, genes }) => {
        const color = code !== null && palette[code];
        return (
          <div key={code} class="lgenes">
            <span class="dot" style={{ "--c": color ? css(color) : undefined }} />
            <span class="ell" title={spec.categories?.[code ?? -1]}>
              {spec.categories?.[code ?? -1]}
            </span>
            <span class="s11 names">
              {genes.slice(0, MOST).map((gene) => (
                <GeneName key={gene.gene} gene={gene.gene} title={geneTitle(gene, method)} />
              ))}
            </span>
          </div>
        );
      })}
    </div>
  );
}
