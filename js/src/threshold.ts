/**
 * The threshold as this page moves it: here at once, in the kernel soon, the last value always. What the kernel says
 * meanwhile is what it was told before, and is waited out.
 */
import { type ReadonlySignal, signal } from "@preact/signals";

/** Milliseconds after an answer in which news from before it may still come. */
const SETTLE = 250;

export class Threshold {
  readonly #value = signal(0);
  readonly #send: (value: number) => Promise<void>;
  #next: number | null = null;
  #heard = 0;
  #busy = false;

  constructor(send: (value: number) => Promise<void>) {
    this.#send = send;
  }

  get value(): ReadonlySignal<number> {
    return this.#value;
  }

  move(value: number): void {
    const next = Math.min(1, Math.max(0, value));
    if (next === this.#value.peek()) return;
    this.#value.value = next;
    this.#next = next;
    if (!this.#busy) this.#tell();
  }

  /** The kernel says where it stands. */
  hear(value: number): void {
    this.#heard = value;
    if (!this.#busy) this.#value.value = value;
  }

  async #tell(): Promise<void> {
    this.#busy = true;
    while (this.#next !== null) {
      const value = this.#next;
      this.#next = null;
      await this.#send(value);
      this.#heard = value;
      await new Promise((resolve) => setTimeout(resolve, SETTLE));
    }
    this.#busy = false;
    this.#value.value = this.#heard;
  }
}
