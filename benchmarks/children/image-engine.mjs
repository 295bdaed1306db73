// An engine that annotates images at a call, and streams text beside it; for gpu.
import { Engine } from "medinfer";

import { median, percentile, round } from "../lib/stats.mjs";
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

/**
 * One after another, for their embeddings alone: milliseconds of an image, of which its pass through the tower, and the least
 * that one took. The first ones warm up: a graph is captured when it comes a second time.
 */
async function encode({ images }) {
  const ms = [];
  const passMs = [];
  for (const image of images) {
    const { imageMs } = engine.stats();
    const started = performance.now();
    await engine.embedImage(image);
    ms.push(performance.now() - started);
    passMs.push(engine.stats().imageMs - imageMs);
  }
  const [all, pass] = [ms, passMs].map((each) => each.slice(Math.min(3, each.length - 1)));
  return { ms: round(median(all)), passMs: round(median(pass)), least: round(Math.min(...all)), first: round(ms[0]) };
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
    await engine?.close();
    engine = await Engine.load(options);
  },

  annotate,
  encode,

  /** Text streams alone, beside images that are encoded only, and beside images that are read and answered, too. */
  async streams({ streams, tokens, encoded, annotated, answer }) {
    const alone = await gapsOf(streams, tokens, 1);
    const [encoding] = await Promise.all([gapsOf(streams, tokens, 2), encode({ images: encoded })]);
    const [annotating] = await Promise.all([
      gapsOf(streams, tokens, 3),
      annotate({ images: annotated, answer, atOnce: annotated.length }),
    ]);
    return { alone, encoding, annotating };
  },
});
