/** Colours for categories and numbers. No DOM: the view is told colours, the page writes them. */
import type { ColumnSpec } from "./protocol";
import type { Rgb } from "./view/api";

const TWENTY_LIGHT =
  "6e87cac7780d389857b553a13ca1a1814ab4cfa21cc54d1b79b9f26a764970376b76b792414592f29076216a52a294cd844c20de9bbf50727f9f8d7f";
const TWENTY_DARK =
  "8ba5e9e6963f5cb876d774c160bfbea36ed9e3bd4ae970449dd1ff8a9769985c9190d1ab646bbbfeb19b4a8e75bdafe9aa6f46f6b3d77193a1bcaa9b";

/** The 102 colours that scanpy gives to more than twenty categories (`godsnot_102`), so that plots of both agree. */
const LONG =
  "ffff001ce6ffff34ffff4a46008941006fa6a30059ffdbe57a49000000a663ffacb79762004d438fb0ff997d875a00078096936a3a4c1b44004fc601" +
  "3b5dff4a3b53ff2f8061615aba09006b790000c2a0ffaa92ff90c9b903aad16100ddefff0000357b4f4ba1c2993000180aa6d801334900846f372101" +
  "ffb500c2ffeda079bfcc0744c0b9b2c2ff99001e0900489c6f00620cbd66eec3ff456d75b77b687a87a1788d66885578fad09fff8a9ad157a0bec459" +
  "4566480086ed886f4c34362db4a8bd00a6aa452c2c636375a3c8c9ff913f938a8157532900fecfb05b6f8cd0ff3b970004f757c8a1a11e6e007900d7" +
  "a775006367a9a058376b002c772600d790ff9b9700549e79fff69f20162572418fbc23ff99adc03a24659223295b4534fde8dc404e550089a3cb7e98" +
  "a4e804324e72";

const MAGMA = "0000040b092420114b3b0f7057157e721f818c2981a8327dc43c75de4968f1605dfa7f5efe9f6dfebf84fddea0fcfdbf";
const VIRIDIS = "440154481a6c472f7d41448739568c31688e2a788e23888e1f988b22a88435b77954c5687ad151a5db36d2e21bfde725";

function unpack(hex: string): Rgb[] {
  const colors: Rgb[] = [];
  for (let i = 0; i < hex.length; i += 6) colors.push(rgbOf(hex.slice(i, i + 6)));
  return colors;
}

function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const twenty = { light: unpack(TWENTY_LIGHT), dark: unpack(TWENTY_DARK) };
const long = unpack(LONG);
const maps = { magma: unpack(MAGMA), viridis: unpack(VIRIDIS) };

export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

const HEX = /^#[0-9a-f]{6}$/i;

/** A colour of our own palette, as bundles hold them, in the tuning for the ground; any other as it is. */
function tuned(color: Rgb, dark: boolean): Rgb {
  const place = dark ? twenty.light.findIndex((light) => light.every((value, i) => value === color[i])) : -1;
  return twenty.dark[place] ?? color;
}

/** Darker than ghosts and zeros, lighter than the ring of what was not run: grey is no class. */
const UNASSIGNED: Record<"light" | "dark", Rgb> = { light: [154, 154, 154], dark: [128, 128, 128] };

/** One colour per category: the dataset's own, else twenty tuned to the ground, else the long list, over and over. */
export function paletteOf(column: ColumnSpec, dark: boolean): Rgb[] {
  const all = column.categories ?? [];
  if (!column.unassigned) return colorsOf(column, all, dark);
  return [...colorsOf(column, all.slice(0, -1), dark), UNASSIGNED[dark ? "dark" : "light"]];
}

function colorsOf(column: ColumnSpec, names: readonly string[], dark: boolean): Rgb[] {
  const own = column.colors;
  if (own?.length === names.length && own.every((color) => HEX.test(color)))
    return own.map((color) => tuned(rgbOf(color.slice(1)), dark));
  const base = names.length > 20 ? long : dark ? twenty.dark : twenty.light;
  return names.map((_, i) => base[i % base.length] as Rgb);
}

function mix(colors: Rgb[], t: number): Rgb {
  const at = Math.min(Math.max(t, 0), 1) * (colors.length - 1);
  const i = Math.min(Math.floor(at), colors.length - 2);
  const [low, high] = [colors[i] as Rgb, colors[i + 1] as Rgb];
  return low.map((value, k) => Math.round(value + ((high[k] as number) - value) * (at - i))) as Rgb;
}

/**
 * 256 colours, low to high, turned so that *high* always stands off the page.
 * Magma for what the model gives and for genes, viridis for what obs brings.
 */
export function rampOf(group: ColumnSpec["group"], dark: boolean): Rgb[] {
  const result = group === "result" || group === "gene";
  const [from, to] = result ? (dark ? [0.3, 0.98] : [0.9, 0.13]) : dark ? [0.16, 1] : [0.92, 0.04];
  const colors = result ? maps.magma : maps.viridis;
  return Array.from({ length: 256 }, (_, i) => mix(colors, from + ((to - from) * i) / 255));
}
