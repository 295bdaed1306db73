// A server of ours, and what its own process sees of a load.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { listen } from "@medinfer/server";

import { round } from "../lib/stats.mjs";
import { threadMs } from "../lib/thread-time.mjs";
import { serve } from "../lib/worker.mjs";

let delay;
let threadBefore;

serve({
  /** @param {import("@medinfer/server").ModelConfig} model */
  async start(model) {
    const server = await listen({ models: [{ ...model, keepLoaded: true }], port: 0 });
    await server.service.start();
    return server.url;
  },

  /** The delay of the event loop is taken by a timer of each millisecond, which costs more than a slow model's tokens. */
  watchDelay() {
    delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
  },

  delay() {
    delay.disable();
    return { eventLoopP99: round(delay.percentile(99) / 1e6), eventLoopMax: round(delay.max / 1e6) };
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
