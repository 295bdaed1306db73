// Aborts long prefills and measures how long the rejection takes.
import { setTimeout as delay } from "node:timers/promises";

import { Engine } from "medinfer";

import { SeededRandom } from "../../test/support/seeded-random.mjs";
import { promptOf } from "../lib/prompts.mjs";
import { median } from "../lib/stats.mjs";
import { serve } from "../lib/worker.mjs";

serve({
  /** @param {{ model: string, tokens: number, ubatch: number, aborts: number }} options */
  async measure({ model, tokens, ubatch, aborts }) {
    const engine = await Engine.load({
      model,
      mmproj: null,
      batchSize: 1,
      nCtx: tokens + 512,
      nUbatch: ubatch,
    });
    try {
      const steps = await wholePrefill(engine, tokens);
      const random = new SeededRandom(1);
      const latencies = [];
      for (let i = 0; i < aborts; i++) {
        const prompt = promptOfTokens(engine, tokens, i + 2);
        const after = random.int(0, steps.length - 1);
        latencies.push(await abortDuring(engine, prompt, after, random.next() * median(steps)));
      }
      return { ubatchMs: median(steps), ubatches: steps.length, latencies };
    } finally {
      await engine.close();
    }
  },
});

/** A prompt of at least so many tokens. */
function promptOfTokens(engine, tokens, seed) {
  let words = tokens;
  for (;;) {
    const prompt = promptOf(words, seed);
    const count = engine.tokenize(prompt).length;
    if (count >= tokens && count < tokens + 256) return prompt;
    words = Math.ceil((words * (tokens + 64)) / count);
  }
}

/** Milliseconds of each full ubatch of a prefill that nobody aborts, by the progress it reports. */
async function wholePrefill(engine, tokens) {
  const generation = engine.complete({ prompt: promptOfTokens(engine, tokens, 1), nPredict: 1 });
  const steps = [];
  let last;
  for await (const event of generation) {
    if (event.type !== "prefill") continue;
    const now = performance.now();
    // The first ubatch starts unseen, and the last one is not full.
    if (last !== undefined && event.done < event.total) steps.push(now - last);
    last = now;
  }
  return steps;
}

/** Aborts so many milliseconds after the given ubatch has ended: in the middle of the next one. */
async function abortDuring(engine, prompt, ubatch, ms) {
  const controller = new AbortController();
  const generation = engine.complete({ prompt, nPredict: 1, signal: controller.signal });
  const ended = generation.result.then(
    () => undefined,
    (error) => ({ at: performance.now(), code: error.code }),
  );
  // By hand: leaving a for await early would end the request.
  const events = generation[Symbol.asyncIterator]();
  for (let left = ubatch; left >= 0;) if ((await events.next()).value.type === "prefill") left -= 1;
  await delay(ms);
  const started = performance.now();
  controller.abort();
  const outcome = await ended;
  if (outcome?.code !== "ABORTED") throw new Error("the prefill ended before it was aborted");
  return outcome.at - started;
}
