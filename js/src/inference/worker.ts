/** Runs models in a thread of its own; where workers are forbidden, the page calls `serve` itself. */
import type { FromWorker, ToWorker } from "./messages";
import { Runtime } from "./runtime";

interface Scope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: { data: ToWorker }) => void) | null;
}

export type Serve = (post: (message: FromWorker) => void) => (message: ToWorker) => void;

export const serve: Serve = (post) => {
  const runtime = new Runtime(post);
  return (message) => runtime.handle(message);
};

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as Scope;
  const runtime = new Runtime((message, transfer) => scope.postMessage(message, transfer));
  scope.onmessage = ({ data }) => runtime.handle(data);
  scope.postMessage({ type: "alive" });
}
