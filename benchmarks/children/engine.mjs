// An engine that answers a batch of requests at a call; for throughput and adapters.
import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

serve({
  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    engine = await Engine.load({ device: "cpu", ...options });
  },

  /**
   * All requests at once: streamed and read event by event, or only their results awaited.
   * `adapters`: names by prompt; without: none.
   * @param {{ prompts: string[], predict: number, stream: boolean, adapters?: (string | undefined)[] }} batch
   * @returns {Promise<{ ms: number, tokens: number, threads: number }>}
   */
  async complete({ prompts, predict, stream, adapters = [] }) {
    const started = performance.now();
    const tokens = await Promise.all(prompts.map((prompt, i) => one(prompt, predict, stream, adapters[i])));
    const ms = performance.now() - started;
    return { ms, tokens: tokens.reduce((sum, n) => sum + n), threads: engine.stats().threads };
  },
});

async function one(prompt, predict, stream, adapter) {
  const generation = engine.complete({
    prompt,
    nPredict: predict,
    ignoreEos: true,
    adapters: adapter === undefined ? [] : [{ adapter }],
    sampling: { temperature: 0, repeatPenalty: 1 },
  });
  let streamed = "";
  if (stream) {
    for await (const event of generation) if (event.type === "text") streamed += event.text;
  }
  const { text, usage } = await generation.result;
  if (text === "" || (stream && text !== streamed)) throw new Error("the engine did not say what it had to");
  return usage.completionTokens;
}
