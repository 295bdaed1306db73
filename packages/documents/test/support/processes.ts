import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** The processes of decoders that this process has, by their ids. Of Linux alone: elsewhere there is no /proc. */
export function decoders(): number[] {
  const found: number[] = [];
  for (const task of readdirSync("/proc/self/task")) {
    const children = readFileSync(`/proc/self/task/${task}/children`, "latin1").split(" ").filter(Boolean);
    for (const child of children) if (commandOf(child).includes("decoder/main.js")) found.push(Number(child));
  }
  return found;
}

/** Bytes of memory that a process has. */
export function memoryOf(pid: number | "self"): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Ends one as the kernel does when memory is short. */
export const kill = (pid: number) => process.kill(pid, "SIGKILL");

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return ""; // it ended meanwhile
  }
}
