/** How far an annotation is, on stderr. It names no file: names may be patients'. */
import process from "node:process";
import { SingleBar } from "cli-progress";

export const progressKinds = ["auto", "bar", "plain", "none"] as const;
export type ProgressKind = (typeof progressKinds)[number];

/** Milliseconds between two lines of plain progress. */
const LINE_MS = 5000;
/** Rows of which the rate is that of late. */
const LATE = 256;

export interface Counts {
  /** Files in all. */
  total: number;
  /** Of them, those that had a row before. */
  skipped: number;
  /** Rows that this run has written. */
  written: number;
  /** Of all rows, those with an error. */
  failed: number;
}

export interface Progress {
  update(counts: Counts): void;
  /** The last word: nothing is shown behind it. */
  end(counts: Counts): void;
}

/** @param kind `"auto"`: a bar at a terminal, and nothing elsewhere; where no bar can be drawn, it is lines */
export function makeProgress(kind: ProgressKind): Progress {
  const terminal = process.stderr.isTTY === true;
  if (kind === "none" || (kind === "auto" && !terminal)) return { update: () => {}, end: () => {} };
  // A dumb terminal writes over nothing.
  const drawn = kind !== "plain" && terminal && process.env.TERM !== "dumb";
  return drawn ? new BarProgress() : new PlainProgress();
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

class PlainProgress implements Progress {
  readonly #rate = new Rate();
  #told = performance.now();

  update(counts: Counts): void {
    const rate = this.#rate.at(counts);
    if (performance.now() - this.#told < LINE_MS) return;
    this.#told = performance.now();
    this.#tell(counts, rate);
  }

  end(counts: Counts): void {
    this.#tell(counts, this.#rate.at(counts));
  }

  #tell(counts: Counts, rate: number | undefined): void {
    const told = describe(counts, rate);
    process.stderr.write(`${doneOf(counts)} of ${counts.total} rows${told === "" ? "" : `, ${told}`}\n`);
  }
}

class BarProgress implements Progress {
  readonly #rate = new Rate();
  readonly #bar: SingleBar;
  #begun = false;

  constructor() {
    // Characters that every font and locale has, and no colours.
    const plain = { barCompleteChar: "#", barIncompleteChar: "." };
    const format = "{bar} {value}/{total} {told}";
    this.#bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, fps: 5, linewrap: false, ...plain });
  }

  update(counts: Counts): void {
    const told = { told: describe(counts, this.#rate.at(counts)) };
    if (!this.#begun) this.#bar.start(counts.total, doneOf(counts), told);
    this.#begun = true;
    this.#bar.update(doneOf(counts), told);
  }

  end(counts: Counts): void {
    this.update(counts);
    this.#bar.stop();
  }
}

function doneOf({ skipped, written }: Counts): number {
  return skipped + written;
}

function describe(counts: Counts, rate: number | undefined): string {
  const left = counts.total - doneOf(counts);
  const parts = [
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(rate === undefined ? [] : [`${rate.toFixed(rate < 10 ? 1 : 0)} rows/s`]),
    ...(rate === undefined || left === 0 ? [] : [`${duration(left / rate)} left`]),
  ];
  return parts.join(", ");
}

/** E.g. `"2 h 5 min"`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
