// A server of ours with some models, which counts the CPU time of its process.
import { listen } from "@medinfer/server";

import { serve } from "../lib/worker.mjs";

let before;

serve({
  /** @param {readonly string[]} names of models, all of them loaded: the embedded one */
  async start(names) {
    const server = await listen({
      models: names.map((name) => ({ name, keepLoaded: true, nThreads: 1, nCtx: 1024 })),
      port: 0,
    });
    await server.service.start();
    return server.url;
  },

  begin() {
    before = process.cpuUsage();
  },

  /** @returns microseconds since `begin` */
  end() {
    const { user, system } = process.cpuUsage(before);
    return user + system;
  },
});
