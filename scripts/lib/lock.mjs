// One build at a time in a folder: Ninja and make corrupt their records when two of them share it.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 200;

function holderIsAlive(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // An empty file: its owner has created it and is about to write its number.
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Runs work while this process alone holds the folder; waits for another one that does. */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "lock");
  let reported = false;
  for (;;) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!holderIsAlive(file)) {
        rmSync(file, { force: true });
        continue;
      }
      if (!reported) console.log("waiting for another build in the same folder");
      reported = true;
      await sleep(pollMs);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
