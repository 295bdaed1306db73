import type { ServerResponse } from "node:http";
import { Problem } from "./problem.js";

/** The word for clients that stopped reading, in metrics and logs. */
export const SLOW_READER = "slow_reader";

/**
 * Calls `onSlow` when the client has taken no byte for so long of what is written to it. While there is nothing to take it may
 * wait for ever; one that takes a little now and then is no slow one, because what it holds is bounded by the answer's length.
 *
 * By the socket's own timer, which sees a large write that is taken in part. Until the answer has left it is this one's.
 */
export function watchReader(outgoing: ServerResponse, ms: number, onSlow: () => void): void {
  outgoing.setTimeout(ms, () => {
    if (outgoing.writableLength > 0) onSlow();
  });
}

/** What its request ends with: for logs alone, as nobody reads it. */
export function slowReaderProblem(ms: number): Problem {
  return new Problem(499, SLOW_READER, `the client has read nothing for ${ms / 1000} s`);
}
