// A server of ours, and what its own process sees of a load.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { listen } from "@medinfer/server";

import { round } from "../lib/stats.mjs";
import { threadMs } from "../lib/thread-time.mjs";
import { serve } from "../lib/worker.mjs";

/** The timer by which the delay of the event loop is taken. A shorter one takes the time of the compute threads. */
const DELAY_TIMER_MS = 5;
/** By how many ms it comes late; Node tells the whole interval, in ns. */
const late = (interval) => round(interval / 1e6 - DELAY_TIMER_MS);

let delay;
let threadBefore;

serve({
  /** @param {import("@medinfer/server").ModelConfig} model */
  async start(model) {
    const server = await listen({ models: [{ ...model, keepLoaded: true }], port: 0 });
    await server.service.start();
    return server.url;
  },

  /** A timer watches the event loop, which costs CPU time, so not while that is taken. */
  watchDelay() {
    delay = monitorEventLoopDelay({ resolution: DELAY_TIMER_MS });
    delay.enable();
  },

  delay() {
    delay.disable();
    return { eventLoopP99: late(delay.percentile(99)), eventLoopMax: late(delay.max) };
  },

  watchThread() {
    threadBefore = threadMs();
  },

  /** CPU time of the JavaScript thread since watchThread(), in ms. */
  threadMs() {
    const after = threadMs();
    return after === undefined ? undefined : after - threadBefore;
  },
});
