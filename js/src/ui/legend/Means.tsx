import { css } from "../../palette";
import type { Counts, Look } from "../../view/api";
import { useStore } from "../context";
import { shareOf } from "./range";

interface Props {
  means: Float64Array;
  look: Look;
  numbers: NonNullable<Counts["numbers"]>;
}

/** The mean of a gene per label, highest first, in the colours that the map has. */
export function Means({ means, look, numbers }: Props) {
  const store = useStore();
  const names = store.column("label")?.categories ?? [];
  const range = store.domain.value ?? ([numbers.min, numbers.max] as const);
  const there = Array.from(means, (mean, code) => ({ mean, code })).filter(({ mean }) => !Number.isNaN(mean));
  const most = Math.max(...there.map(({ mean }) => mean), Number.MIN_VALUE);
  if (there.length === 0) return null;
  return (
    <div class="means">
      <h4>Mean by label</h4>
      {there
        .sort((a, b) => b.mean - a.mean || a.code - b.code)
        .map(({ mean, code }) => {
          const color = look.ramp[Math.round(shareOf(mean, [...range]) * (look.ramp.length - 1))];
          return (
            <div key={code} class="lg" style={{ "--c": color && css(color) }}>
              <span class="nm ell" title={names[code]}>
                {names[code]}
              </span>
              <span class="n">{mean.toFixed(1)}</span>
              <span class="share">
                <i style={{ width: `${(100 * Math.max(0, mean)) / most}%` }} />
              </span>
            </div>
          );
        })}
    </div>
  );
}
