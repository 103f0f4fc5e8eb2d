/** How many cells to run at once: measured on the first pieces, from few cells to many; then the fastest is kept. */

const LADDER = [1, 4, 16, 64, 256];
const FIRST = 2;
/** Pieces per size, of which the fastest counts: other programs get in between. */
const TRIES = 6;
/** Milliseconds after which two tries must do; and of a piece, since a stop takes effect within one. */
const ENOUGH = 250;
const LONGEST = 1_000;
/** Milliseconds that a piece costs beside inference: two messages. */
const OVERHEAD = 0.3;
/** Milliseconds of work, about, that go to a worker in one piece: messages have their cost, and the page is not always free. */
const PIECE = 50;
/** Milliseconds of work that are not measured: browsers compile WebAssembly better while it runs. */
const WARM_UP = 500;
/** How much faster a larger size must be to be kept, and for a still larger one to be tried. */
const WORTH = 1.1;
const PROMISING = 1.25;

export class Sizes {
  readonly #steps: number[];
  readonly #rates: number[];
  #step: number;
  #tries = 0;
  #spent = 0;
  #settled = false;
  #warm = 0;

  /** `largest`: what memory allows. */
  constructor(largest: number) {
    this.#steps = [...new Set(LADDER.map((step) => Math.min(step, Math.max(1, largest))))];
    this.#rates = this.#steps.map(() => 0);
    this.#step = Math.min(FIRST, this.#steps.length - 1);
  }

  get size(): number {
    return this.#steps[this.#step] as number;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Cells per millisecond of one worker; 0 while nothing was measured. */
  get rate(): number {
    return this.#rates[this.#step] || Math.max(...this.#rates);
  }

  /** Cells of one piece: whole batches, and several of them where they are short. */
  get piece(): number {
    if (!this.#settled) return this.size;
    return this.size * Math.max(1, Math.round((PIECE * this.rate) / this.size));
  }

  /** Take in how long a piece took that was computed so many cells at once; only the size being tried counts. */
  measured(atOnce: number, cells: number, ms: number): void {
    if (atOnce !== this.size || cells < atOnce) return;
    const rate = cells / (ms + OVERHEAD);
    this.#warm += ms;
    if (this.#warm < WARM_UP && ms < LONGEST) {
      this.#rates[this.#step] = rate;
      return;
    }
    if (this.#settled) {
      this.#rates[this.#step] = 0.9 * this.rate + 0.1 * rate;
      return;
    }
    this.#rates[this.#step] = Math.max(this.#rates[this.#step] as number, rate);
    this.#tries++;
    this.#spent += ms;
    if (ms > LONGEST) this.#smaller();
    else if (this.#tries >= TRIES || (this.#tries > 1 && this.#spent > ENOUGH)) this.#moveOn();
  }

  #smaller(): void {
    if (this.#step > 0) this.#step--;
    this.#settled = this.#step === 0 || 1 / this.rate < LONGEST / 4;
    this.#tries = this.#spent = 0;
  }

  #moveOn(): void {
    const best = this.#rates[this.#step] as number;
    const before = this.#rates[this.#step - 1] ?? 0;
    const gain = before > 0 ? best / before : PROMISING;
    const next = this.#steps[this.#step + 1];
    if (gain < PROMISING || next === undefined || next / best > LONGEST) {
      if (gain < WORTH) this.#step--;
      this.#settled = true;
      return;
    }
    this.#step++;
    this.#tries = this.#spent = 0;
  }
}
