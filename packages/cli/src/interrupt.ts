import process from "node:process";
import { INTERRUPTED } from "./exit-status.js";

/** The user's Ctrl-C, or whoever ends services, ended a command. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs a command that Ctrl-C ends: the first aborts the signal, so that what runs ends in order, a second ends the process.
 *
 * @param signals that do
 * @throws Interrupted (rejects) where it was; otherwise what `work` rejects with
 */
export async function withInterrupt<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signals: readonly NodeJS.Signals[] = ["SIGINT"],
): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  for (const each of signals) process.on(each, onInterrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    for (const each of signals) process.off(each, onInterrupt);
  }
}

/** Of commands that run as services do. */
export const serviceSignals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
