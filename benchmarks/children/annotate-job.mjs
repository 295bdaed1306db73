// An engine that reads pages by itself, and as a batch on a queue; for annotate.
import { annotateJob, computeWithEngine, openQueue } from "@medinfer/batch";
import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

const options = (most) => ({ nPredict: most, sampling: { temperature: 0, repeatPenalty: 1 } });

async function alone({ images, prompt, most }) {
  const rows = images.map((image) => ({ image, prompt }));
  let tokens = 0;
  for await (const { usage } of engine.annotate(rows, { onError: "throw", ...options(most) })) {
    tokens += usage.completionTokens;
  }
  return { tokens };
}

/** A run with a name of its own, from the first row that is queued to the report. */
async function queued({ images, prompt, most, url, run }) {
  const queue = await openQueue(url);
  try {
    const { done, failed, quarantined } = await annotateJob({
      queue,
      source: images.map((path) => ({ path })),
      ask: { prompt, model: "medinfer-tiny", options: options(most) },
      run,
      compute: computeWithEngine(engine),
      slots: 2 * engine.info.batchSize,
    });
    return { done, failed, quarantined };
  } finally {
    await queue.close();
  }
}

serve({
  async load(given) {
    engine = await Engine.load(given);
  },
  alone,
  queued,
});
