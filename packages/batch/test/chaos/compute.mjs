/** What chaos rows do: wait, and write down that they were computed. Some end their process, some cannot be read. */
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** @param {{ log: string, ms: number }} data */
export function createCompute({ log, ms }) {
  return async (row, { signal, attempt }) => {
    const text = readFileSync(row.ref, "utf8");
    // One write of one line, behind those of all other processes.
    appendFileSync(log, `${row.id} ${attempt} ${process.pid}\n`);
    if (text.startsWith("poison")) process.kill(process.pid, "SIGKILL");
    if (text.startsWith("undecodable")) throw Object.assign(new Error("no image"), { code: "IMAGE_DECODE" });
    await sleep(ms * (0.5 + Math.random()), undefined, { signal });
    return { text, attempt };
  };
}
