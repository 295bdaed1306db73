import { readFileSync } from "node:fs";
import process from "node:process";

/** Whether a process of this host is there, whoever owns it. One that has ended and waits to be asked how is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !hasEnded(pid);
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A process that has ended, and whose parent has not asked how: it still takes signals. Linux says so alone. */
function hasEnded(pid: number): boolean {
  try {
    // Its name, in parentheses, may hold any character.
    const [, state] = /.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state === "Z" || state === "X";
  } catch {
    return false;
  }
}
