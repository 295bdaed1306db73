import { InvalidArgumentError } from "commander";

/** A whole number of 0 or more, for commander. */
export function toCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It has to be a whole number.");
  return Number(text);
}

/** As many as the library takes. */
const MOST_THREADS = 512;

/** A number of threads, or `auto`. */
export function toThreads(text: string): number | "auto" {
  if (text === "auto") return text;
  if (!/^0*[1-9]\d{0,2}$/.test(text) || Number(text) > MOST_THREADS) {
    throw new InvalidArgumentError(`It has to be auto, or a whole number from 1 to ${String(MOST_THREADS)}.`);
  }
  return Number(text);
}

/** A whole number of 1 or more. */
export function toSize(text: string): number {
  if (!/^0*[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It has to be a whole number of 1 or more.");
  return Number(text);
}

const MOST_PORT = 65_535;
/** Whether a port has this number. REQUIRES: a whole number of 0 or more */
export const isPort = (number: number) => number <= MOST_PORT;

/** A port; 0: one that is free. */
export function toPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || !isPort(Number(text))) {
    throw new InvalidArgumentError("It has to be a port, a number from 0 to 65535.");
  }
  return Number(text);
}
