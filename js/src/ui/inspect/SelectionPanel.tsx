import { css, paletteOf } from "../../palette";
import type { Counts } from "../../view/api";
import { useStore } from "../context";
import { count, percent, plural } from "../format";
import { IconButton } from "../parts/Icon";
import { Bullet } from "./Bullet";
import { mixOf } from "./mix";
import { Why } from "./Why";

function Mix({ mix }: { mix: NonNullable<Counts["mix"]> }) {
  const store = useStore();
  const spec = store.column("label");
  if (!spec) return null;
  const palette = paletteOf(spec, store.dark.value);
  const { lines, others } = mixOf(mix.selection, mix.rest);
  if (lines.length === 0) return <div class="sec f2">None of these cells has been labelled yet.</div>;
  return (
    <div class="sec">
      <h4>
        Labels
        <span>bar: selection, line: the rest</span>
      </h4>
      {lines.map(({ code, share, rest }) => {
        const color = palette[code];
        return (
          <Bullet
            key={code}
            name={spec.categories?.[code] ?? ""}
            bar={share}
            line={rest}
            color={color && css(color)}
            text={percent(share, 1)}
          />
        );
      })}
      {others.count > 0 && (
        <Bullet name={`${others.count} more`} bar={others.share} color="var(--mark)" text={percent(others.share, 1)} />
      )}
    </div>
  );
}

export function SelectionPanel({ counts }: { counts: Counts }) {
  const store = useStore();
  return (
    <>
      <div class="hd">
        <span class="b">Selection</span>
        <span class="f2 ell grow">
          {plural(counts.selected, "cell")}, {percent(counts.selected, counts.total)}
        </span>
        <IconButton icon="x" label="Clear (Esc)" onClick={() => store.select({ by: "none" })} />
      </div>
      <div class="scroll">
        {counts.mix && <Mix mix={counts.mix} />}
        <Why of="selection" title="Why these labels" about={`selection ${store.selection.value}`} />
        <div class="sec f2 s12">
          In Python: <span class="mono">w.selection</span> holds these {count(counts.selected)}.
        </div>
      </div>
    </>
  );
}
