// A server of ours, and what its own process sees of a load.
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { listen } from "@medinfer/server";

import { round } from "../lib/stats.mjs";
import { serve } from "../lib/worker.mjs";

let delay;
let threadBefore;

/** CPU time of the thread that runs JavaScript, in ms, as Linux counts it; undefined elsewhere. */
function threadMs() {
  try {
    const fields = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return Number(fields[0]) / 1e6;
  } catch {
    return undefined;
  }
}

serve({
  /** @param {import("@medinfer/server").ModelConfig} model */
  async start(model) {
    const server = await listen({ models: [{ ...model, keepLoaded: true }], port: 0 });
    await server.service.start();
    return server.url;
  },

  begin() {
    delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    threadBefore = threadMs();
  },

  end() {
    delay.disable();
    const after = threadMs();
    return {
      eventLoopP99: round(delay.percentile(99) / 1e6),
      eventLoopMax: round(delay.max / 1e6),
      ...(after === undefined ? {} : { threadMs: after - threadBefore }),
    };
  },
});
