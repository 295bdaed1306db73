// How many threads this process has.
import { readdirSync } from "node:fs";

import { until } from "./until.mjs";

/** Threads of this process, where the system tells; 0 elsewhere. */
export function threadCount() {
  try {
    return readdirSync("/proc/self/task").length;
  } catch {
    return 0;
  }
}

/**
 * How many threads there are once they are no more than so many, or after five seconds. Whoever joins a thread is woken
 * before the kernel takes it off the list, so on a busy machine one that has ended is still counted for a moment; one
 * that was left behind stays.
 *
 * @param {number} most
 */
export async function settledThreadCount(most) {
  await until(() => threadCount() <= most, 5000);
  return threadCount();
}
