interface Props {
  name: string;
  /** 0 to 1. */
  bar: number;
  /** The rest, to compare with: 0 to 1. */
  line?: number;
  color?: string;
  text: string;
}

/** One chart grammar: the bar is this, the line is the rest. */
export function Bullet({ name, bar, line, color, text }: Props) {
  return (
    <div class="bullet">
      <span class="ell" title={name}>
        {name}
      </span>
      <span class="track">
        <i style={{ width: `${100 * bar}%`, "--c": color }} />
        {line !== undefined && <u style={{ left: `${100 * line}%` }} />}
      </span>
      <span class="num f2">{text}</span>
    </div>
  );
}
