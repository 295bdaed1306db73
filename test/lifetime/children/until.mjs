// What becomes true a while after it should: garbage that is collected, threads that have ended.
import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 20;
/**
 * Whether `done` comes true while time goes by, and garbage is collected where Node runs with --expose-gc.
 *
 * @param {() => boolean} done
 */
export async function until(done, patienceMs = 10_000) {
  for (let waited = 0; waited < patienceMs && !done(); waited += STEP_MS) {
    globalThis.gc?.();
    await delay(STEP_MS);
  }
  return done();
}
