/** A process of which nothing is left but its number, as a parent leaves it that does not ask how it ended. Linux alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @returns {Promise<{ pid: number, end: () => void }>} resolves when it has ended; `end` lets go of its number
 */
export async function zombie() {
  // The child lives until the shell has become what asks for none: a shell would ask how it ended.
  const parent = spawn("sh", ["-c", "cat <&3 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  while (readFileSync(`/proc/${parent.pid}/comm`, "utf8").trim() !== "sleep") await sleep(10);
  parent.stdio[3].end();
  while (!readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")) await sleep(10);
  return { pid, end: () => void parent.kill("SIGKILL") };
}
