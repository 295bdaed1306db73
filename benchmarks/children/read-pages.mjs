// Reads a folder of page images with the embedded model, greedily, as a user's program would.
import { readdirSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

serve({
  /** @param {{ folder: string, prompt: string, batchSize: number }} options */
  async read({ folder, prompt, batchSize }) {
    const files = readdirSync(folder).filter((name) => name.endsWith(".png"));
    const engine = await Engine.load({ batchSize });
    const rows = files.map((name) => ({ id: name, image: path.join(folder, name) }));
    const texts = {};
    const started = performance.now();
    for await (const { row, text, error } of engine.annotate(rows, {
      prompt,
      nPredict: 128,
      sampling: { temperature: 0, repeatPenalty: 1 },
      onError: "throw",
    })) {
      if (error) throw error;
      texts[row.id] = text;
    }
    const ms = performance.now() - started;
    await engine.close();
    return { texts, imagesPerSecond: (1000 * files.length) / ms };
  },
});
