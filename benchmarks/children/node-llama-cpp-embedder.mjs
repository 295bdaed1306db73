// node-llama-cpp as it embeds texts: its context reads one at a time; for embeddings.
import { pathToFileURL } from "node:url";

import { serve } from "../lib/worker.mjs";

let context;

serve({
  /** @param {{ entry: string, model: string, threads: number }} options */
  async load({ entry, model: file, threads }) {
    const { getLlama } = await import(pathToFileURL(entry).href);
    const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
    const model = await llama.loadModel({ modelPath: file });
    context = await model.createEmbeddingContext({ contextSize: 512, batchSize: 512, threads });
  },

  /** @param {string[]} texts */
  async embed(texts) {
    const rows = await Promise.all(texts.map((text) => context.getEmbeddingFor(text)));
    return rows.filter(({ vector }) => Number.isFinite(vector[0])).length;
  },
});
