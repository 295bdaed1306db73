/** Wakes those who wait, at the latest after a time. */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #rung = false;

  ring(): void {
    this.#rung = true;
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next ring, at one since the last wait, or after so many milliseconds. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        this.#waiting.add(wake);
      });
    }
    this.#rung = false;
  }
}
