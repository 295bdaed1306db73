// node-llama-cpp with its predictor that looks tokens up in the prompt, one request at a time; for drafts.
import { pathToFileURL } from "node:url";

import { serve } from "../lib/worker.mjs";

let model, sequence;

serve({
  /** @param {{ entry: string, model: string, contextSize: number, threads: number }} options */
  async load({ entry, model: file, contextSize, threads }) {
    const { getLlama, InputLookupTokenPredictor } = await import(pathToFileURL(entry).href);
    const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
    model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({
      contextSize,
      batchSize: 512,
      flashAttention: true,
      threads: { ideal: threads, min: threads },
    });
    sequence = context.getSequence({ tokenPredictor: new InputLookupTokenPredictor() });
  },

  /** Greedily, up to so many tokens. @param {{ prompts: string[], tokens: number }} work */
  async answer({ prompts, tokens }) {
    const started = performance.now();
    let count = 0;
    for (const prompt of prompts) {
      await sequence.clearHistory();
      const generation = sequence.evaluate(model.tokenize(prompt, true), { temperature: 0 });
      for (let i = 0; i < tokens && !(await generation.next()).done; i++) count += 1;
      await generation.return();
    }
    return { tokensPerSecond: (1000 * count) / (performance.now() - started) };
  },
});
