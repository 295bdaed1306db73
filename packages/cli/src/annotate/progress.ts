/** How far an annotation is. It names no file: names may be patients'. */
import { describeRows, makeDisplay, type Display, type ProgressKind } from "../terminal/display.js";

/** Rows of which the rate is that of late. */
const LATE = 256;

export interface Counts {
  /** Rows in all, as far as it is known: documents turn out to have more pages. */
  total: number;
  /** Of them, those that were there before. */
  skipped: number;
  /** Rows that this run has written. */
  written: number;
  /** Of all rows, those with an error. */
  failed: number;
}

/** Rows a second of late: since the last row that was there before, as those take next to no time. */
class Rate {
  #times: number[] = [performance.now()];
  #written = 0;
  #skipped = 0;

  /** Undefined: not known yet. */
  at({ written, skipped }: Counts): number | undefined {
    if (skipped !== this.#skipped) {
      this.#times = [performance.now()];
      this.#written = written;
      this.#skipped = skipped;
    }
    for (; this.#written < written; this.#written++) this.#times.push(performance.now());
    if (this.#times.length > LATE) this.#times.splice(0, this.#times.length - LATE);
    const seconds = (performance.now() - this.#times[0]!) / 1000;
    return this.#times.length > 1 && seconds > 0 ? (this.#times.length - 1) / seconds : undefined;
  }
}

export class Progress {
  readonly #rate = new Rate();
  readonly #display: Display;

  constructor(kind: ProgressKind) {
    this.#display = makeDisplay(kind);
  }

  update(counts: Counts): void {
    this.#display.show(this.#shown(counts));
  }

  /** The last word: nothing is shown behind it. */
  end(counts: Counts): void {
    this.#display.end(this.#shown(counts));
  }

  #shown(counts: Counts) {
    const { total, skipped, written, failed } = counts;
    const done = skipped + written;
    const told = describeRows({ failed, left: total - done, rate: this.#rate.at(counts) }).join(", ");
    return { done, total, told };
  }
}
