/** How far a run is, and what each of its hosts does. */
import type { RunStatus } from "@medinfer/batch";
import { describeRows, makeDisplay, rateOf, type Display, type ProgressKind } from "../terminal/display.js";

export class RunProgress {
  readonly #display: Display;
  #last: RunStatus | undefined;

  constructor(kind: ProgressKind) {
    this.#display = makeDisplay(kind);
  }

  readonly update = (status: RunStatus): void => {
    this.#last = status;
    this.#display.show(shownOf(status));
  };

  /** The last word. */
  end(status = this.#last): void {
    if (status !== undefined) this.#display.end(shownOf(status));
  }
}

function shownOf(status: RunStatus) {
  const { inputs, done, failed, quarantined, rate } = status;
  const ended = done + failed + quarantined;
  const told = [...describeRows({ failed: failed + quarantined, left: inputs - ended, rate }), ...hostsOf(status)];
  return { done: ended, total: inputs, told: told.join(", ") };
}

/** Of several hosts, how much each does. */
export function hostsOf({ hosts, rate }: RunStatus): string[] {
  if (hosts.length < 2) return [];
  const late = hosts.reduce((sum, each) => sum + each.late, 0);
  return hosts.map(({ host, running, late: own }) =>
    rate === undefined || late === 0 ? `${host}: ${running} running` : `${host}: ${rateOf((rate * own) / late)} rows/s`,
  );
}
