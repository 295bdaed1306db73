import { Worker, type WorkOptions } from "./worker.js";

/**
 * Computes rows of a queue until its signal comes: a host's worker.
 *
 * @returns when it has stopped: rows under way have ended, or are given back
 * @throws (rejects) with what ended it, as `MedInferError` `BACKEND_LOST` of an engine that is gone
 */
export async function work(options: WorkOptions): Promise<void> {
  const worker = new Worker(options);
  const { signal } = options;
  const stop = () => void worker.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (signal?.aborted !== true) worker.start();
    await worker.ended();
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
