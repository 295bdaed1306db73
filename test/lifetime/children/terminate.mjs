// Terminates a worker in one phase of its engine, many times. Sends what happened.
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { settledThreadCount, threadCount } from "./thread-count.mjs";

/** @param {string} phase @param {number} pause milliseconds in the phase */
async function terminateOnce(phase, pause) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { phase } });
  let left = false;
  await new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message) => {
      if (message === "reached") resolve(undefined);
      else left = true;
    });
  });
  await delay(pause);
  const late = left;
  const start = performance.now();
  await worker.terminate();
  return { late, ms: performance.now() - start };
}

async function main() {
  const [phase, count] = process.argv.slice(2);
  // Different moments of the phase; a load passes through many.
  const spreadMs = phase === "load" || phase === "open" ? 60 : 25;
  let late = 0;
  let slowest = 0;
  let threads = 0;
  for (let i = 0; i < Number(count); i++) {
    const result = await terminateOnce(phase, (i * 7) % spreadMs);
    late += result.late ? 1 : 0;
    slowest = Math.max(slowest, result.ms);
    if (i === 0) threads = threadCount();
  }
  const newThreads = (await settledThreadCount(threads)) - threads;
  process.send?.({ terminations: Number(count), late, slowest, newThreads });
}

if (isMainThread) {
  await main();
} else {
  // Here and not above: where the main thread has no part in the addon, node unloads it with every worker.
  const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
  if (workerData.phase === "open") port.postMessage("reached");
  const { enter } = await import("./phases.mjs");
  if (workerData.phase !== "open") {
    await enter(workerData.phase, {
      reached: () => port.postMessage("reached"),
      left: () => port.postMessage("left"),
    });
  }
}
