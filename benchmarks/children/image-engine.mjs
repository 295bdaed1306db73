// An engine that annotates images at a call, and streams text beside it; for gpu.
import { Engine } from "medinfer";

import { percentile, round } from "../lib/stats.mjs";
import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

const greedy = { ignoreEos: true, sampling: { temperature: 0, repeatPenalty: 1 } };

async function annotate({ images, answer, atOnce }) {
  const started = performance.now();
  const rows = images.map((image) => ({ image, prompt: "Extract the medications." }));
  let imageTokens = 0;
  for await (const { error, usage } of engine.annotate(rows, {
    concurrency: atOnce,
    onError: "throw",
    nPredict: answer,
    ...greedy,
  })) {
    if (error) throw error;
    imageTokens = usage.imageTokens;
  }
  const seconds = (performance.now() - started) / 1000;
  return { images: images.length, perSecond: round(images.length / seconds), tokensPerImage: imageTokens };
}

/** Milliseconds between the tokens of some streams, until all have ended. */
async function gapsOf(streams, tokens, seed) {
  const gaps = [];
  await Promise.all(
    Array.from({ length: streams }, async (_, i) => {
      let last;
      for await (const event of engine.complete({ prompt: `Report ${seed} ${i}`, nPredict: tokens, ...greedy })) {
        if (event.type !== "text") continue;
        const now = performance.now();
        if (last !== undefined) gaps.push(now - last);
        last = now;
      }
    }),
  );
  return { p50: round(percentile(gaps, 0.5)), p99: round(percentile(gaps, 0.99)), most: round(Math.max(...gaps)) };
}

serve({
  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    engine = await Engine.load(options);
  },

  annotate,

  /** Text streams alone, and then beside images. */
  async streams({ streams, tokens, images, answer }) {
    const alone = await gapsOf(streams, tokens, 1);
    const [beside] = await Promise.all([
      gapsOf(streams, tokens, 2),
      annotate({ images, answer, atOnce: images.length }),
    ]);
    return { alone, beside };
  },
});
