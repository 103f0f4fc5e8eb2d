import { css, paletteOf } from "../../palette";
import type { CellDetail, ColumnSpec } from "../../protocol";
import type { Pin } from "../../store";
import { useStore } from "../context";
import { Icon, IconButton } from "../parts/Icon";
import { usePlace } from "../parts/usePlace";
import { isUnlike, limitOf, UNLIKE_HINT, unlikeWords } from "../unlike";
import { Why } from "./Why";

/** The first two always; of the others those whose score is not written as 0.00. */
const worthSaying = (labels: CellDetail["labels"]) => labels.filter(({ score }, i) => i < 2 || score >= 0.005);

function Labels({ labels, spec }: { labels: CellDetail["labels"]; spec: ColumnSpec }) {
  const palette = paletteOf(spec, useStore().dark.value);
  return (
    <div style={{ paddingBottom: "12px" }}>
      {labels.map(({ code, score }, i) => {
        const color = palette[code];
        return (
          <div key={code} class="label" style={{ "--c": color && css(color) }}>
            <span class="t">
              <span class="dot" />
              <span class={i === 0 ? "b ell" : "ell"}>{spec.categories?.[code]}</span>
              <span class={i === 0 ? "b end" : "f2 end"}>{score.toFixed(2)}</span>
            </span>
            <span class="track">
              <i style={{ width: `${100 * Math.min(1, Math.max(0, score))}%` }} />
            </span>
          </div>
        );
      })}
    </div>
  );
}

function Obs({ obs }: { obs: CellDetail["obs"] }) {
  if (obs.length === 0) return null;
  return (
    <div class="sec">
      <h4>obs</h4>
      <dl class="names">
        {obs.map(({ name, value }) => (
          <>
            <dt class="ell" title={name}>
              {name}
            </dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </div>
  );
}

function Unlike({ row }: { row: number }) {
  const limit = limitOf(useStore().schema.value);
  const distance = usePlace(row)?.distance ?? NaN;
  if (!isUnlike(distance, limit)) return null;
  return (
    <div class="sec far" title={UNLIKE_HINT}>
      <Icon name="alert" />
      Unlike training: {unlikeWords(distance, limit)}
    </div>
  );
}

function Detail({ detail }: { detail: CellDetail }) {
  const spec = useStore().column("label");
  const best = detail.labels[0];
  return (
    <div key={detail.row} class="scroll">
      {detail.failure && <div class="sec f2">Could not be labelled: {detail.failure}</div>}
      {spec && detail.labels.length > 0 && <Labels labels={worthSaying(detail.labels)} spec={spec} />}
      <Unlike row={detail.row} />
      {!best && !detail.failure && <div class="sec f2">Not run yet.</div>}
      {best && (
        <Why of="cell" row={detail.row} title={`Genes behind ${spec?.categories?.[best.code] ?? "the label"}`} />
      )}
      <Obs obs={detail.obs} />
    </div>
  );
}

export function CellPanel({ pin }: { pin: Pin }) {
  const store = useStore();
  const { detail, trouble } = pin;
  const name = detail?.name ?? `cell ${pin.row + 1}`;
  // Where the page is not a secure context there is no clipboard.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  return (
    <>
      <div class="hd">
        <span class="b">Cell</span>
        <span class="mono ell grow" title={name}>
          {name}
        </span>
        {clipboard && detail && (
          <IconButton icon="copy" label="Copy the name" onClick={() => clipboard.writeText(detail.name)} />
        )}
        <IconButton icon="x" label="Release (Esc)" onClick={() => store.pinCell(null)} />
      </div>
      {detail ? (
        <Detail detail={detail} />
      ) : (
        <div class="sec f2">{trouble ? `Nothing more is known now: ${trouble}.` : "Asking the kernel …"}</div>
      )}
    </>
  );
}
