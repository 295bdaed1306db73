// Streams of one build of the library, alone and while long prompts arrive; for inter-token.
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { pagesOf } from "../lib/prompts.mjs";
import { serve } from "../lib/worker.mjs";

/** Prompts arrive so long after each other. */
const ARRIVAL_MS = 150;
const CONTEXT = 2048;

let engine;
let streams = 0;

/** Gaps between the events of text of all streams, in milliseconds, while `work` runs. */
async function gapsDuring(work) {
  const gaps = [];
  let measuring = false;
  const stop = new AbortController();
  const started = [];
  const reads = Array.from({ length: streams }, async (_, i) => {
    const generation = engine.complete({
      prompt: `Stream ${i}`,
      nPredict: CONTEXT - 64,
      ignoreEos: true,
      nProbs: 1,
      sampling: { temperature: 0 },
      signal: stop.signal,
    });
    const { promise, resolve } = Promise.withResolvers?.() ?? deferred();
    started.push(promise);
    let last;
    try {
      for await (const event of generation) {
        if (event.type !== "logprobs") continue;
        const now = performance.now();
        if (measuring && last !== undefined) gaps.push(now - last);
        last = now;
        resolve();
      }
    } catch (error) {
      if (error.code !== "ABORTED") throw error;
    }
  });
  await Promise.all(started);
  await setTimeout(200);
  measuring = true;
  await work();
  measuring = false;
  stop.abort();
  await Promise.all(reads);
  return gaps;
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

serve({
  async load({ root, model, streams: count }) {
    const { Engine } = await import(pathToFileURL(path.join(root, "dist", "index.mjs")).href);
    streams = count;
    engine = await Engine.load({
      model,
      mmproj: null,
      device: "cpu",
      batchSize: streams + 2,
      nCtx: CONTEXT * (streams + 2),
      nCtxPerRequest: CONTEXT,
    });
  },

  async measure({ prompts, characters }) {
    const texts = Array.from({ length: prompts }, (_, i) => pagesOf(characters, i));
    const alone = await gapsDuring(() => setTimeout(prompts * ARRIVAL_MS));
    const refusedMs = [];
    // To the end of the last one's reading, so that none of its cost is left out.
    const beside = await gapsDuring(async () => {
      const all = [];
      for (const prompt of texts) {
        const came = performance.now();
        const refusal = engine.complete({ prompt, nPredict: 1 }).result.catch((error) => {
          if (error.code !== "CONTEXT_FULL") throw error;
          refusedMs.push(performance.now() - came);
        });
        all.push(refusal);
        await setTimeout(ARRIVAL_MS);
      }
      await Promise.all(all);
    });
    return { alone, beside, refusedMs };
  },
});
