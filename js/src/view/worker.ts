/** The view in its worker. Its first word says that it lives: where blob workers are forbidden it never comes. */
import type { ToView } from "./api";
import { ViewEngine } from "./engine";

declare const self: {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToView>) => void) | null;
};

const engine = new ViewEngine((message, transfer = []) => self.postMessage(message, transfer));
self.onmessage = ({ data }) => engine.handle(data);
self.postMessage({ type: "ready" });
