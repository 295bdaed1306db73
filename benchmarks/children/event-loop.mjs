// Watches its own event loop while a model loads and while requests generate.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { Engine } from "medinfer";

import { promptOf } from "../lib/prompts.mjs";
import { percentile, round } from "../lib/stats.mjs";
import { serve } from "../lib/worker.mjs";

/**
 * Runs `work` and tells for how long the loop stood still: by a timer of ours that asks to be called every millisecond
 * (that millisecond is part of the figure), and by Node's own histogram.
 * @param {() => Promise<unknown>} work
 */
async function watch(work) {
  const gaps = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, 1);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const started = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
    histogram.disable();
  }
  gaps.push(performance.now() - last);
  return {
    ms: round(performance.now() - started),
    samples: gaps.length,
    longestGapMs: round(Math.max(...gaps)),
    p999Ms: round(percentile(gaps, 0.999)),
    p99Ms: round(percentile(gaps, 0.99)),
    medianMs: round(percentile(gaps, 0.5)),
    nodeLongestMs: round(histogram.max / 1e6),
    nodeP999Ms: round(histogram.percentile(99.9) / 1e6),
  };
}

serve({
  idle: () => watch(() => new Promise((resolve) => setTimeout(resolve, 3000))),

  /** @param {string} model */
  load: (model) =>
    watch(async () => {
      const engine = await Engine.load({ model, mmproj: null, nCtx: 2048 });
      // Closing frees half a gigabyte: that must not hold the loop up either.
      await engine.close();
    }),

  /** @param {{ model: string, requests: number, predict: number }} options */
  async generate({ model, requests, predict }) {
    const engine = await Engine.load({
      model,
      mmproj: null,
      batchSize: requests,
      nCtx: requests * (predict + 128),
    });
    const one = async (seed) => {
      const generation = engine.complete({
        prompt: promptOf(24, seed),
        nPredict: predict,
        ignoreEos: true,
        sampling: { temperature: 0, repeatPenalty: 1 },
      });
      for await (const event of generation) if (event.type === "done") return;
    };
    const figures = await watch(() => Promise.all(Array.from({ length: requests }, (_, i) => one(i))));
    await engine.close();
    return { ...figures, tokensPerSecond: round((1000 * requests * predict) / figures.ms) };
  },
});
