// Another process that takes a core, all the time or now and then.
import { spawn } from "node:child_process";

const BUSY = "const end = Date.now() + 600_000; while (Date.now() < end);";

/** Seconds of work and of rest, by turns: what a backup, a build or a cron job looks like to whoever shares the host. */
const BURSTS = `
  let state = Number(process.argv[1]);
  const next = () => (state = (1103515245 * state + 12345) % 2147483648) / 2147483648;
  const burst = () => {
    const end = Date.now() + 100 * 50 ** next();
    while (Date.now() < end);
    setTimeout(burst, 100 * 50 ** next());
  };
  setTimeout(burst, 100 * 50 ** next());
`;

/**
 * Keeps one core busy from another process while `work` runs, for ten minutes at most.
 * @template T @param {() => Promise<T>} work @returns {Promise<T>}
 */
export const withBusyCore = (work) => beside([BUSY], work);

/**
 * Keeps one core busy from another process in bursts of 0.1 to 5 s with rests as long between them, the same ones for
 * the same seed, while `work` runs.
 * @template T @param {number} seed @param {() => Promise<T>} work @returns {Promise<T>}
 */
export const withBursts = (seed, work) => beside([BURSTS, String(seed)], work);

/** @template T @param {string[]} script with its arguments @param {() => Promise<T>} work @returns {Promise<T>} */
async function beside(script, work) {
  const child = spawn(process.execPath, ["-e", ...script], { stdio: "ignore" });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    return await work();
  } finally {
    kill();
    process.off("exit", kill);
  }
}
