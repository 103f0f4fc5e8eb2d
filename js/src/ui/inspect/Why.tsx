import type { ExplainedGroup, Explains, WhyQuestion } from "../../protocol";
import type { Why as Known } from "../../why";
import { useStore } from "../context";
import { sentence } from "../format";
import { GeneList } from "./GeneList";
import { absentNote, fromCells, METHODS } from "./genes";
import { useWhy } from "./useWhy";

const WIDTHS = [88, 64, 52, 40, 34];

function Waiting({ share, method, onStop }: { share: number; method: Explains; onStop(): void }) {
  if (method === "occlusion")
    return (
      <div class="s12 f2 asking">
        <span class="grow">Removing genes, {Math.floor(100 * share)}%</span>
        <button type="button" class="lk" onClick={onStop}>
          Stop
        </button>
        <span class="track grow">
          <i style={{ width: `${100 * share}%` }} />
        </span>
      </div>
    );
  return (
    <div aria-hidden="true">
      {WIDTHS.map((width) => (
        <div key={width} class="bullet">
          <span class="sk" style={{ width: `${width}px` }} />
          <span class="sk" style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}

function Found({ group, method }: { group: ExplainedGroup; method: Explains }) {
  const single = group.genes.some(({ count }) => count !== null);
  if (group.genes.length === 0) return <div class="s12 f2">No gene carries any weight here.</div>;
  const note = absentNote(group.genes, single);
  return (
    <>
      <GeneList genes={group.genes} method={method} />
      {note && <div class="s11 f2 note">{sentence(note)}</div>}
    </>
  );
}

function Body({ why, method, again, onStop }: { why: Known | null; method: Explains; again(): void; onStop(): void }) {
  if (!why || why.state === "asking") return <Waiting share={why?.share ?? 0} method={method} onStop={onStop} />;
  if (why.state === "failed")
    return (
      <div class="s12 f2">
        {sentence(why.reason)}{" "}
        <button type="button" class="lk" onClick={again}>
          Ask again
        </button>
      </div>
    );
  const [group] = why.explanation.groups;
  return group ? <Found group={group} method={method} /> : null;
}

/** What the bars are, to choose from, and what the numbers are. */
function Head({ method, single }: { method: Explains; single: boolean }) {
  const all = useStore().schema.value?.model.explains ?? [];
  return (
    <div class="heads s11 f2">
      {all.length > 1 ? <Methods all={all} current={method} /> : <span>{METHODS[method].bar}</span>}
      <span>{single ? "counts" : "expressed"}</span>
    </div>
  );
}

function Methods({ all, current }: { all: Explains[]; current: Explains }) {
  const { whys } = useStore();
  return (
    <fieldset class="methods" aria-label="How genes are weighed">
      {all.map((method) => (
        <button
          key={method}
          type="button"
          title={METHODS[method].title}
          aria-pressed={method === current}
          onClick={() => {
            whys.method.value = method;
          }}
        >
          {all.includes("attention_weighted") ? METHODS[method].name : METHODS[method].alone}
        </button>
      ))}
    </fieldset>
  );
}

interface Props {
  of: WhyQuestion["of"];
  code?: number;
  row?: number;
  /** What the genes are behind, in a word or two. */
  title: string;
  /** What the answer depends on beside the question. */
  about?: string;
}

/** The genes behind a label, a selection or a cell. Removing genes takes long, so somebody must ask for it. */
export function Why({ of, code, row, title, about = "" }: Props) {
  const { schema, whys, session } = useStore();
  const explains = schema.value?.model.explains ?? [];
  const chosen = whys.method.value;
  const method = chosen && explains.includes(chosen) ? chosen : explains[0] === "occlusion" ? null : explains[0];
  const { why, again } = useWhy(
    method && session.can.inspect ? { of, code: code ?? null, row: row ?? null, method } : null,
    about,
  );
  if (explains.length === 0 || !session.can.inspect) return null;
  const first = explains.find((each) => each !== "occlusion") ?? null;
  const group = why?.state === "known" ? why.explanation.groups[0] : undefined;
  const stop = () => {
    whys.method.value = first;
  };
  return (
    <div class="sec why">
      <h4>
        <b class="ell" title={title}>
          {title}
        </b>
      </h4>
      {method && <Head method={method} single={of === "cell"} />}
      {method ? (
        <Body why={why} method={method} again={again} onStop={stop} />
      ) : (
        <button
          type="button"
          class="btn"
          onClick={() => {
            whys.method.value = "occlusion";
          }}
        >
          Explain by removing genes
        </button>
      )}
      {group && of !== "cell" && group.genes.length > 0 && <div class="s11 f2 note">{sentence(fromCells(group))}</div>}
    </div>
  );
}
