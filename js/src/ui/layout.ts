/** Sizes, by the width of the container. Pure. */
export type Width = "wide" | "mid" | "narrow" | "tiny";

export function widthClass(width: number): Width {
  if (width >= 900) return "wide";
  if (width >= 700) return "mid";
  return width >= 420 ? "narrow" : "tiny";
}

export const MIN_HEIGHT = 320;

/** What a widget is as high as unless asked otherwise; the outer height never changes by itself afterwards. */
export const defaultHeight = (width: number): number => (width >= 900 ? 640 : 480);

const BAR = 36;
/** Heights that `styles/table.css` and `styles/legend.css` have too. */
export const HEAD = 44;
export const ROW = 24;

/** How much of the height the region under the plot takes. */
export function lowerHeight(width: Width, height: number): number {
  if (width === "narrow" || width === "tiny") return Math.round(height * (height < 560 ? 0.46 : 0.41));
  if (height < 560) return BAR + HEAD + ROW * 3 - 2;
  return Math.max(BAR + HEAD + ROW * 5 + 12, Math.round(height * 0.33));
}
