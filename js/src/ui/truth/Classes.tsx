import { css, paletteOf } from "../../palette";
import type { ColumnSpec } from "../../protocol";
import { useStore } from "../context";
import { count, plural } from "../format";
import type { ClassFigures, Figures } from "./figures";

function Share({ value, color }: { value: number; color: string }) {
  const known = !Number.isNaN(value);
  return (
    <>
      <span class="track">{known && <i style={{ width: `${100 * value}%`, "--c": color }} />}</span>
      <span class="num f2">{known ? value.toFixed(2) : "–"}</span>
    </>
  );
}

const bySupport = (a: ClassFigures, b: ClassFigures) => b.support - a.support || a.code - b.code;

/** How often a label is right, and how much of a class is found. */
export function Classes({ figures, label }: { figures: Figures; label: ColumnSpec }) {
  const palette = paletteOf(label, useStore().dark.value);
  return (
    <table class="classes">
      <thead>
        <tr class="s11 f2">
          <th>class</th>
          <th>precision</th>
          <th>recall</th>
        </tr>
      </thead>
      <tbody>
        {figures.classes.toSorted(bySupport).map(({ code, precision, recall, support, predicted }) => {
          const color = css(palette[code] ?? [128, 128, 128]);
          return (
            <tr key={code} title={`${plural(support, "cell")} known so, ${count(predicted)} labelled so`}>
              <th class="nm">
                <span class="dot" style={{ "--c": color }} />
                <span class="ell">{label.categories?.[code]}</span>
              </th>
              <td>
                <Share value={precision} color={color} />
              </td>
              <td>
                <Share value={recall} color={color} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
