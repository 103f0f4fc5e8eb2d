import { css, paletteOf } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import type { Rgb } from "../../view/api";
import { useStore } from "../context";
import type { Figures, Known } from "./figures";

const paint = (color: Rgb | undefined) => css(color ?? [128, 128, 128]);

interface OverProps {
  figures: Figures;
  label: ColumnSpec;
  /** Which of them is pointed at. */
  at: number | undefined;
}

/** Labels of the model, upright over their columns. */
export function Over({ figures, label, at }: OverProps) {
  const palette = paletteOf(label, useStore().dark.value);
  return (
    <div class="over">
      {figures.columns.map((code, place) => (
        <span key={code} class={place === at ? "on" : undefined} title={label.categories?.[code]}>
          <span class="ell">{label.categories?.[code]}</span>
          <span class="dot" style={{ "--c": paint(palette[code]) }} />
        </span>
      ))}
    </div>
  );
}

/** Known labels beside their rows; those that the model does not know have a ring. */
export function Beside({ figures, known, label, at }: OverProps & { known: ColumnSpec }) {
  const dark = useStore().dark.value;
  const [own, classes] = [paletteOf(known, dark), paletteOf(label, dark)];
  // Where the dataset brings no colours, a name has that of the class of that name.
  const colorOf = ({ name, code }: Known) => (known.colors || code < 0 ? own[name] : classes[code]);
  return (
    <div class="beside">
      {figures.rows.map((row, place) => {
        const name = known.categories?.[row.name] ?? "";
        const stranger = row.code < 0;
        return (
          <span
            key={row.name}
            class={place === at ? "on" : undefined}
            title={stranger ? `${name}: the model has no such class` : name}
          >
            <span class={stranger ? "dot ring" : "dot"} style={{ "--c": paint(colorOf(row)) }} />
            <span class="ell">{name}</span>
          </span>
        );
      })}
    </div>
  );
}
