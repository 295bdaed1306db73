import { readFileSync } from "node:fs";

/** CPU time of the thread that runs JavaScript, in ms, as Linux counts it; undefined elsewhere. */
export function threadMs() {
  try {
    const fields = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return Number(fields[0]) / 1e6;
  } catch {
    return undefined;
  }
}
