import { render } from "preact";
import type { Store } from "../store";
import { StoreProvider } from "./context";
import { css } from "./styles";
import { Widget } from "./Widget";

export interface MountOptions {
  /** CSS pixels; null: as high as suits the width. */
  height?: number | null;
}

let sheet: CSSStyleSheet | null = null;

function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}

/** One view of a widget in `root`; returns what takes it away again. The host's styles stay out, and ours in. */
export function mountWidget(root: HTMLElement, store: Store, options: MountOptions = {}): () => void {
  const host = document.createElement("div");
  // Keys that people press here are not the notebook's commands.
  host.dataset.lmSuppressShortcuts = "true";
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [styleSheet()];
  root.append(host);
  render(
    <StoreProvider value={store}>
      <Widget height={options.height ?? null} />
    </StoreProvider>,
    shadow,
  );
  return () => {
    render(null, shadow);
    host.remove();
  };
}
