/**
 * The host's colours. Tokens are CSS (`style.css`) and pick JupyterLab's or VS Code's variables by `data-host`; here is
 * what CSS cannot know: which host it is, whether its ground is dark, and the colours that the plot is drawn with.
 */
import type { Rgb, Theme } from "../view/api";

/** VS Code's widget manager sets `--jp-layout-color0: white` in dark themes too, so VS Code is looked for first. */
export type Host = "vscode" | "jupyter" | "plain";

/** Milliseconds after a change: changes come in flocks. */
const SOON = 20;
const LATER = 320;

const DARK_BUTTON_TEXT = "#0b1a28";

export function luminance([r, g, b]: Rgb): number {
  const linear = (v: number) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** WCAG contrast, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

export const isDark = (ground: Rgb): boolean => luminance(ground) < 0.18;

/** Greys of the canvas: opaque, so that dense places do not burn out. */
export function canvasColors(host: Host, dark: boolean): Pick<Theme, "backdrop" | "ghost" | "zero" | "notRun"> {
  const grey = (v: number, b = v): Rgb => [v, v, b];
  if (!dark) return { backdrop: grey(237, 239), ghost: grey(219, 221), zero: grey(206), notRun: grey(140) };
  if (host === "vscode") return { backdrop: grey(45), ghost: grey(66), zero: grey(84), notRun: grey(150) };
  return { backdrop: grey(35), ghost: grey(54), zero: grey(72), notRun: grey(150) };
}

/** White where it is legible on a button of this colour, else a near black. */
export const buttonText = (button: Rgb): string =>
  contrast([255, 255, 255], button) >= 4.5 ? "#fff" : DARK_BUTTON_TEXT;

export function hostOf(element: Element): Host {
  const style = getComputedStyle(element);
  if (style.getPropertyValue("--vscode-editor-background").trim()) return "vscode";
  return style.getPropertyValue("--jp-layout-color0").trim() ? "jupyter" : "plain";
}

/** Any CSS colour as it looks on `ground`: the browser itself paints it. */
function painted(color: string, ground: Rgb | null): Rgb {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  if (!context) return [255, 255, 255];
  context.fillStyle = ground ? `rgb(${ground.join()})` : "#fff";
  context.fillRect(0, 0, 1, 1);
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return [r ?? 255, g ?? 255, b ?? 255];
}

/** Reads the tokens that stand on `root`, whose `data-host` must be set, and sets what depends on them. */
function resolve(root: HTMLElement, probe: HTMLElement, host: Host): Theme {
  const token = (name: string, ground: Rgb | null) => {
    probe.style.color = `var(${name})`;
    return painted(getComputedStyle(probe).color, ground);
  };
  const ground = token("--bg", null);
  const dark = isDark(ground);
  root.dataset.dark = String(dark);
  if (host !== "vscode") root.style.setProperty("--btnfg", buttonText(token("--btn", ground)));
  return {
    dark,
    ground,
    ink: token("--fg", ground),
    accent: token("--accent", ground),
    ...canvasColors(host, dark),
    font: getComputedStyle(root).fontFamily,
  };
}

function same(a: Theme, b: Theme): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** JupyterLab changes its icon in `head` with every message that a kernel takes: only sheets and attributes matter. */
function mayRecolor({ type, addedNodes, removedNodes }: MutationRecord): boolean {
  if (type === "attributes") return true;
  return [...addedNodes, ...removedNodes].some(
    (node) =>
      node instanceof HTMLStyleElement || (node instanceof HTMLLinkElement && node.relList.contains("stylesheet")),
  );
}

/**
 * Tells the theme now and whenever the host changes it. Hosts switch by attributes or styles of `html` and `body`, or by
 * swapping style sheets in `head`.
 */
export function watchTheme(root: HTMLElement, probe: HTMLElement, tell: (theme: Theme) => void): () => void {
  let known: Theme | null = null;
  const read = () => {
    if (!root.isConnected) return;
    const host = hostOf(root);
    root.dataset.host = host;
    const theme = resolve(root, probe, host);
    if (known && same(known, theme)) return;
    known = theme;
    tell(theme);
  };
  // A host swaps its sheets after its attributes: look again once they are in.
  let [soon, later]: (ReturnType<typeof setTimeout> | undefined)[] = [];
  const changed = () => {
    clearTimeout(soon);
    clearTimeout(later);
    soon = setTimeout(read, SOON);
    later = setTimeout(read, LATER);
  };
  const observer = new MutationObserver((mutations) => {
    if (mutations.some(mayRecolor)) changed();
  });
  for (const element of [document.documentElement, document.body]) observer.observe(element, { attributes: true });
  observer.observe(document.head, { childList: true });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", changed);
  read();
  return () => {
    clearTimeout(soon);
    clearTimeout(later);
    observer.disconnect();
    scheme.removeEventListener("change", changed);
  };
}
