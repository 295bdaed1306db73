// An engine that answers a batch of requests at a call; for throughput.
import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

serve({
  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    engine = await Engine.load(options);
  },

  /**
   * All requests at once, streamed and read event by event, as a service would.
   * @param {{ prompts: string[], predict: number }} batch
   * @returns {Promise<{ ms: number, tokens: number, threads: number }>}
   */
  async complete({ prompts, predict }) {
    const started = performance.now();
    const tokens = await Promise.all(prompts.map((prompt) => one(prompt, predict)));
    const ms = performance.now() - started;
    return { ms, tokens: tokens.reduce((sum, n) => sum + n), threads: engine.stats().threads };
  },
});

async function one(prompt, predict) {
  const generation = engine.complete({
    prompt,
    nPredict: predict,
    ignoreEos: true,
    sampling: { temperature: 0, repeatPenalty: 1 },
  });
  let length = 0;
  for await (const event of generation) if (event.type === "text") length += event.text.length;
  if (length === 0) throw new Error("the engine said nothing");
  return (await generation.result).usage.completionTokens;
}
