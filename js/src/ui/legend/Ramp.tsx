import { css } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import type { Counts, Look } from "../../view/api";
import { useStore } from "../context";
import { count, value } from "../format";
import { moved, type Range, shareOf } from "./range";

const STEPS = 24;

/** The ramp between its two ends, and its end colours beyond them. */
function gradient(look: Look, from: number, to: number): string {
  const stops = Array.from({ length: STEPS + 1 }, (_, i) => {
    const t = i / STEPS;
    const color = look.ramp[Math.round(t * (look.ramp.length - 1))] ?? [128, 128, 128];
    return `${css(color)} ${(100 * (from + t * (to - from))).toFixed(1)}%`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

export function Bars({ bins, from, to }: { bins: Uint32Array; from: number; to: number }) {
  const most = Math.max(1, ...bins);
  const width = 100 / bins.length;
  return (
    <svg viewBox="0 0 100 46" preserveAspectRatio="none" aria-hidden="true">
      {Array.from(bins, (n, i) => {
        const at = (i + 0.5) / bins.length;
        // The root of the count: rare values stay visible.
        const height = n > 0 ? Math.max(1, 44 * Math.sqrt(n / most)) : 0;
        return (
          <rect
            key={i}
            x={i * width}
            y={46 - height}
            width={width * 0.86}
            height={height}
            fill={at >= from && at <= to ? "var(--mark2)" : "var(--mark)"}
          />
        );
      })}
    </svg>
  );
}

interface HandleProps {
  label: string;
  value: number;
  text: string;
  whole: Range;
  onMove(value: number): void;
}

function Handle({ label, value: at, text, whole, onMove }: HandleProps) {
  const [min, max] = whole;
  const step = (max - min) / 50;
  const key = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      Home: min,
      End: max,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onMove(to);
  };
  const drag = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    const box = handle.parentElement?.getBoundingClientRect();
    if (!box) return;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) => onMove(min + ((max - min) * (move.clientX - box.left)) / box.width);
    handle.onlostpointercapture = () => {
      handle.onpointermove = null;
    };
  };
  return (
    <span
      class="handle"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuenow={at}
      aria-valuetext={text}
      style={{ left: `${100 * shareOf(at, whole)}%` }}
      onPointerDown={drag}
      onKeyDown={key}
    />
  );
}

interface Props {
  column: ColumnSpec;
  look: Look;
  numbers: NonNullable<Counts["numbers"]>;
}

/** How values spread, the colours they have, and two handles for where the colours end. */
export function Ramp({ column, look, numbers }: Props) {
  const { domain, schema } = useStore();
  const isGene = column.group === "gene";
  const whole: Range = [numbers.min, numbers.max];
  const range = domain.value ?? whole;
  const set = (end: 0 | 1) => (to: number) => {
    domain.value = moved(range, end, to, whole);
  };
  const [from, to] = [shareOf(range[0], whole), shareOf(range[1], whole)];
  const words = [value(range[0], column), value(range[1], column)] as const;
  return (
    <>
      <div class="ramp">
        <Bars bins={numbers.bins} from={from} to={to} />
        <div class="strip8" style={{ background: gradient(look, from, to) }} />
        <Handle label="Lowest colour" value={range[0]} text={words[0]} whole={whole} onMove={set(0)} />
        <Handle label="Highest colour" value={range[1]} text={words[1]} whole={whole} onMove={set(1)} />
        <div class="ends s11 f2">
          <span>{words[0]}</span>
          {isGene && <span title={schema.value?.genes.values}>{schema.value?.genes.values.split(" ", 1)[0]}</span>}
          <span>{words[1]}</span>
        </div>
      </div>
      {numbers.zeros > 0 && (
        <div class="lg">
          <span class="dot" style={{ "--c": "var(--mark)" }} />
          <span class="f2 ell">{isGene ? "not detected" : "zero"}</span>
          <span class="n">{count(numbers.zeros)}</span>
        </div>
      )}
    </>
  );
}
