/** Questions why, and what became of them: asked once, kept while the run lasts, given up when nobody looks any more. No DOM. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Explains, Explanation, WhyQuestion } from "./protocol";
import type { Session } from "./session/session";

export type Why =
  | { state: "asking"; share: number }
  | { state: "known"; explanation: Explanation }
  | { state: "failed"; reason: string };

interface Asked {
  why: Signal<Why>;
  giveUp: AbortController;
  /** How many look at it. */
  watchers: number;
}

const MOST_KEPT = 50;

export class Whys {
  /** How genes are weighed, once somebody chose; null: the model's best way, unless that takes long. */
  readonly method = signal<Explains | null>(null);
  readonly #session: Pick<Session, "explain">;
  readonly #asked = new Map<string, Asked>();

  constructor(session: Pick<Session, "explain">) {
    this.#session = session;
  }

  /**
   * Asks, or tells what was asked before. `about` names what the answer depends on beside the question: another selection,
   * more cells. Returns what is known and a function that stops looking.
   */
  look(question: WhyQuestion, about: string): { why: ReadonlySignal<Why>; leave: () => void } {
    const key = JSON.stringify([question, about]);
    const before = this.#asked.get(key);
    const asked = before && before.why.peek().state !== "failed" ? before : this.#ask(key, question);
    asked.watchers++;
    const leave = () => {
      asked.watchers--;
      // Another view may look at the same in this very moment.
      queueMicrotask(() => asked.watchers === 0 && asked.why.peek().state !== "known" && this.#drop(key, asked));
    };
    return { why: asked.why, leave };
  }

  /** Another run: nothing of what was said holds. */
  clear(): void {
    for (const [key, asked] of this.#asked) this.#drop(key, asked);
  }

  #ask(key: string, question: WhyQuestion): Asked {
    const asked: Asked = {
      why: signal<Why>({ state: "asking", share: 0 }),
      giveUp: new AbortController(),
      watchers: 0,
    };
    this.#asked.set(key, asked);
    for (const [old, its] of this.#asked) {
      if (this.#asked.size <= MOST_KEPT) break;
      if (its.watchers === 0 && its !== asked) this.#asked.delete(old);
    }
    const patience = {
      signal: asked.giveUp.signal,
      progress: (share: number) => {
        asked.why.value = { state: "asking", share };
      },
    };
    this.#session.explain(question, patience).then(
      (explanation) => {
        asked.why.value = { state: "known", explanation };
      },
      (error: Error) => {
        asked.why.value = { state: "failed", reason: error.message };
      },
    );
    return asked;
  }

  #drop(key: string, asked: Asked): void {
    if (this.#asked.get(key) === asked) this.#asked.delete(key);
    if (asked.why.peek().state === "asking") asked.giveUp.abort(new Error("nobody asks any more"));
  }
}
