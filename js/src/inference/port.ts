/** Starts workers; where a policy forbids them, the page's own thread serves. */
import { herePort } from "./here";
import type { FromWorker, Port, ToWorker } from "./messages";

/** Milliseconds in which a worker must have said its first word. */
const PATIENCE = 10_000;

/** Opens ports to workers of this text, and remembers where workers are forbidden. */
export function portOpener(text: string): () => Promise<Port> {
  let forbidden = false;
  return async () => {
    if (!forbidden) {
      try {
        return await workerPort(text);
      } catch {
        forbidden = true;
      }
    }
    return herePort(text);
  };
}

class Threaded implements Port {
  readonly threaded = true;
  readonly #worker: Worker;
  onMessage: (message: FromWorker) => void = () => {};
  onDeath: (reason: string) => void = () => {};

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.onMessage(data);
    worker.onerror = (event) => {
      // The pool deals with it; nobody else needs to see it.
      event.preventDefault?.();
      this.onDeath(event.message || "the worker stopped");
    };
    worker.onmessageerror = () => this.onDeath("the worker's answer cannot be read");
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  terminate(): void {
    this.onMessage = this.onDeath = () => {};
    this.#worker.terminate();
  }
}

function workerPort(text: string): Promise<Port> {
  return new Promise((resolve, reject) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const port = new Threaded(new Worker(url));
    URL.revokeObjectURL(url);
    const refuse = (reason: string) => {
      clearTimeout(late);
      port.terminate();
      reject(new Error(reason));
    };
    const late = setTimeout(() => refuse("the worker says nothing"), PATIENCE);
    port.onDeath = refuse;
    port.onMessage = () => {
      clearTimeout(late);
      resolve(port);
    };
  });
}
