// The load of load-client.mjs without HTTP: as many streams that each ask again, in the process of their engine.
import { Engine } from "medinfer";

import { promptOf } from "../lib/prompts.mjs";
import { threadMs } from "../lib/thread-time.mjs";
import { serve } from "../lib/worker.mjs";

let engine;
let seed = 1;

serve({
  /** @param {import("medinfer").EngineOptions} options */
  async start(options) {
    engine = await Engine.load(options);
  },

  /**
   * @param {{ clients: number, predict: number, promptWords: number, seconds: number }} load
   * @returns requests, tokens, and ms of the JavaScript thread
   */
  async load({ clients, predict, promptWords, seconds }) {
    let tokens = 0;
    let requests = 0;
    const before = threadMs();
    const until = performance.now() + 1000 * seconds;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() < until) {
          const messages = [{ role: "user", content: promptOf(promptWords, seed++) }];
          const generation = engine.chat({
            messages,
            nPredict: predict,
            ignoreEos: true,
            sampling: { temperature: 0 },
          });
          requests += 1;
          for await (const event of generation) if (event.type === "done") tokens += event.usage.completionTokens;
        }
      }),
    );
    const after = threadMs();
    return { requests, tokens, ms: after === undefined ? undefined : after - before };
  },

  async close() {
    await engine.close();
  },
});
