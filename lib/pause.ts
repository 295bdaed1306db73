import { clearTimeout, setTimeout } from "node:timers";
import { onAbort } from "./abort.js";

/**
 * Resolves after `ms` milliseconds, or when the signal is aborted. The signal may be one that hundreds wait with, for which
 * the timers of Node put a warning on stderr.
 */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const removeListener = onAbort(signal, done);
    function done() {
      clearTimeout(timer);
      removeListener();
      resolve();
    }
  });
}
