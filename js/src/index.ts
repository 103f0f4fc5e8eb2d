/**
 * The anywidget entry. `initialize` and `render` get different proxies of the model, so what all views of a widget share
 * hangs on this closure; what all widgets of a page share hangs on `globalThis` (see `view/client.ts`).
 */
import { loadModel } from "./inference/pool";
import { type Comm, KernelSession } from "./session/kernel";
import { createStore, type Store } from "./store";
import { mountWidget } from "./ui/mount";
import { connectView } from "./view/client";

interface Model extends Comm {
  get(name: "height"): number | null;
}

interface Context {
  model: Model;
  signal: AbortSignal;
}

export default () => {
  let store: Store | null = null;
  return {
    initialize({ model, signal }: Context): void {
      const session = new KernelSession(model);
      const view = connectView();
      const mine = createStore(session, view.data(crypto.getRandomValues(new Uint32Array(2)).join("-")), loadModel);
      store = mine;
      signal.addEventListener("abort", () => mine.dispose());
    },
    render({ model, signal, el }: Context & { el: HTMLElement }): void {
      if (!store) throw new Error("cellwidget: rendered before it was initialized");
      const dispose = mountWidget(el, store, { height: model.get("height") });
      signal.addEventListener("abort", dispose);
    },
  };
};
