/** A widget on a page, over made-up cells in memory and the real view. */
import { onTestFinished, vi } from "vitest";
import { type CellOptions, makeCells } from "../../../dev/cells";
import { type MemoryData, type MemoryOptions, MemorySession } from "../../session/memory";
import { createStore, type Store } from "../../store";
import { connectView } from "../../view/client";
import { mountWidget } from "../mount";

export interface Opened {
  host: HTMLElement;
  session: MemorySession;
  store: Store;
  all<E extends HTMLElement = HTMLElement>(selector: string): E[];
  one<E extends HTMLElement = HTMLElement>(selector: string): E;
}

let widgets = 0;

export interface OpenOptions extends MemoryOptions {
  width?: number;
  cells?: Partial<CellOptions>;
  change?: (data: MemoryData) => MemoryData;
}

/** Mounts a widget and waits until its table has rows; it goes away with the test. */
export async function open({ width = 1100, cells, change, ...options }: OpenOptions = {}): Promise<Opened> {
  const made = makeCells({ n: 300, source: "model", reference: 500, ...cells });
  const data = change ? change(made) : made;
  const session = new MemorySession(data, { done: data.schema.n, status: "done", ...options });
  const host = document.createElement("div");
  host.style.width = `${width}px`;
  document.body.append(host);
  const store = createStore(session, connectView().data(`test-${++widgets}`));
  const unmount = mountWidget(host, store);
  onTestFinished(() => {
    unmount();
    store.dispose();
    host.remove();
  });
  const shadow = () => host.firstElementChild?.shadowRoot as ShadowRoot;
  const all = <E extends HTMLElement>(selector: string) => [...shadow().querySelectorAll<E>(selector)];
  const one = <E extends HTMLElement>(selector: string) => {
    const found = shadow().querySelector<E>(selector);
    if (!found) throw new Error(`there is no ${selector}`);
    return found;
  };
  await until(() => one(".run .st"));
  return { host, session, store, all, one };
}

/** Waits for what comes by way of the worker, on a busy machine too. */
export const until = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000 });

/** Text as it is read: one space wherever there is some. */
export const textOf = (element: Element): string => (element.textContent ?? "").replace(/\s+/g, " ").trim();
