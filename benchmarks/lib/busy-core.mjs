import { spawn } from "node:child_process";

/**
 * Keeps one core busy from another process while `work` runs, for ten minutes at most.
 * @template T @param {() => Promise<T>} work @returns {Promise<T>}
 */
export async function withBusyCore(work) {
  const spin = "const end = Date.now() + 600_000; while (Date.now() < end);";
  const child = spawn(process.execPath, ["-e", spin], { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  try {
    return await work();
  } finally {
    child.kill("SIGKILL");
  }
}
