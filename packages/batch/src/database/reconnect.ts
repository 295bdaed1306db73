import { setTimeout as sleep } from "node:timers/promises";
import { isConnectionError } from "./connection-error.js";

const FIRST_MS = 50;
const MOST_MS = 3000;

/** How long, and with what notice, a transaction is tried again. */
export interface ReconnectOptions {
  /** Ends the waiting: the connection's error is thrown. */
  signal?: AbortSignal | undefined;
  /** Is told of each failed try. */
  onLost?: ((tries: number) => void) | undefined;
}

/**
 * Runs a whole transaction, again while its connection fails: at once, then after 50 ms, twice that, at most 3 s. A commit whose
 * answer was lost may have happened: what runs again has to look.
 */
export async function reconnecting<T>(work: (tries: number) => Promise<T>, options: ReconnectOptions = {}): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work(tries);
    } catch (error) {
      if (!isConnectionError(error) || options.signal?.aborted === true) throw error;
      options.onLost?.(tries + 1);
      const ms = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2);
      await sleep(ms, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() => {
        throw error;
      });
    }
  }
}
