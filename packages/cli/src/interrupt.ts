import process from "node:process";
import { INTERRUPTED } from "./exit-status.js";

/** The user's Ctrl-C ended a command. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs a command that Ctrl-C ends: the first aborts the signal, so that what runs ends in order, a second ends the process.
 *
 * @throws Interrupted (rejects) where it was; otherwise what `work` rejects with
 */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}
