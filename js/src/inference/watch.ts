/** Waits for something that must come in time, and does not count while the machine sleeps. */
const TICKS = 12;

export class Watch {
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls `late` once, unless it is stopped or begun again within so many milliseconds. */
  begin(limit: number, late: () => void): void {
    this.stop();
    const tick = limit / TICKS;
    let waited = 0;
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      waited += Math.min(now - before, 2 * tick);
      before = now;
      if (waited < limit) return;
      this.stop();
      late();
    }, tick);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
