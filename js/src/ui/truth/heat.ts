/** The fields of a confusion matrix as a picture: how they stand to what is known is the hue, the share of the row its strength. */
import type { ColumnSpec } from "../../protocol";
import type { Rgb } from "../../view/api";
import { AGREEMENT, unassignedCode } from "../../view/effective";
import type { Figures, Known } from "./figures";

/** One cell of a thousand is still seen. */
const FAINTEST = 0.18;
const EMPTY = { light: "rgb(0 0 0 / 4%)", dark: "rgb(255 255 255 / 5%)" };

export interface Paints {
  /** Pixels of a field. */
  side: number;
  /** Colours of the `agreement` column. */
  palette: readonly Rgb[];
  dark: boolean;
}

function standing(row: Known, code: number, unassigned: number): number {
  if (row.code < 0) return AGREEMENT.stranger;
  if (code === unassigned) return AGREEMENT.unassigned;
  return row.code === code ? AGREEMENT.agrees : AGREEMENT.disagrees;
}

export function paint(canvas: HTMLCanvasElement, figures: Figures, label: ColumnSpec, paints: Paints): void {
  const { rows, columns, at } = figures;
  const { side, palette, dark } = paints;
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(columns.length * side * scale);
  canvas.height = Math.round(rows.length * side * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const unassigned = unassignedCode(label);
  rows.forEach((row, y) => {
    columns.forEach((code, x) => {
      const share = at(row, code) / row.total;
      const [r, g, b] = palette[standing(row, code, unassigned)] ?? [128, 128, 128];
      const strength = FAINTEST + (1 - FAINTEST) * share;
      context.fillStyle = share > 0 ? `rgb(${r} ${g} ${b} / ${strength})` : EMPTY[dark ? "dark" : "light"];
      context.fillRect(x * side, y * side, side - 1, side - 1);
    });
  });
}
