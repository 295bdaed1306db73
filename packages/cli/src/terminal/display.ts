/** How far something is, on stderr: a bar, or lines. */
import process from "node:process";
import { SingleBar } from "cli-progress";

export const progressKinds = ["auto", "bar", "plain", "none"] as const;
export type ProgressKind = (typeof progressKinds)[number];

/** Milliseconds between two lines of plain progress. */
const LINE_MS = 5000;

/** What is shown. */
export interface Shown {
  done: number;
  total: number;
  /** What is said of it beside; may be empty. */
  told: string;
}

export interface Display {
  show(shown: Shown): void;
  /** The last word: nothing is shown behind it. */
  end(shown: Shown): void;
}

/** @param kind `"auto"`: a bar at a terminal, and nothing elsewhere; where no bar can be drawn, it is lines */
export function makeDisplay(kind: ProgressKind): Display {
  const terminal = process.stderr.isTTY === true;
  if (kind === "none" || (kind === "auto" && !terminal)) return { show: () => {}, end: () => {} };
  // A dumb terminal writes over nothing.
  const drawn = kind !== "plain" && terminal && process.env.TERM !== "dumb";
  return drawn ? new BarDisplay() : new PlainDisplay();
}

class PlainDisplay implements Display {
  #told = performance.now();

  show(shown: Shown): void {
    if (performance.now() - this.#told < LINE_MS) return;
    this.#told = performance.now();
    this.end(shown);
  }

  end({ done, total, told }: Shown): void {
    process.stderr.write(`${done} of ${total} rows${told === "" ? "" : `, ${told}`}\n`);
  }
}

class BarDisplay implements Display {
  readonly #bar: SingleBar;
  #begun = false;

  constructor() {
    // Characters that every font and locale has, and no colours.
    const plain = { barCompleteChar: "#", barIncompleteChar: "." };
    const format = "{bar} {value}/{total} {told}";
    this.#bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, fps: 5, linewrap: false, ...plain });
  }

  show({ done, total, told }: Shown): void {
    if (!this.#begun) this.#bar.start(total, done, { told });
    this.#begun = true;
    this.#bar.setTotal(total);
    this.#bar.update(done, { told });
  }

  end(shown: Shown): void {
    this.show(shown);
    this.#bar.stop();
  }
}

/** E.g. `"2 h 5 min"`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** E.g. `["3 failed", "12 rows/s", "5 min left"]`: what is known of them. */
export function describeRows(rows: { failed: number; left: number; rate: number | undefined }): string[] {
  const { failed, left, rate } = rows;
  return [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(rate === undefined ? [] : [`${rateOf(rate)} rows/s`]),
    ...(rate === undefined || left === 0 ? [] : [`${duration(left / rate)} left`]),
  ];
}

/** E.g. `"9.5"`, `"120"`. */
export function rateOf(rate: number): string {
  return rate.toFixed(rate < 10 ? 1 : 0);
}
