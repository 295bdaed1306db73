// node-llama-cpp with one context of several sequences, of which each keeps a prompt; for kv.
import { pathToFileURL } from "node:url";

import { serve } from "../lib/worker.mjs";

let llama, model, context;
/** Of each prompt: its sequence, and its tokens. */
const held = [];

serve({
  /** @param {{ entry: string, model: string, sequences: number, contextSize: number, threads: number }} options */
  async load({ entry, model: file, sequences, contextSize, threads }) {
    const { getLlama } = await import(pathToFileURL(entry).href);
    llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
    model = await llama.loadModel({ modelPath: file });
    context = await model.createContext({
      sequences,
      contextSize,
      batchSize: 512,
      flashAttention: true,
      threads: { ideal: threads, min: threads },
    });
    return { contextSize: context.contextSize };
  },

  /** Reads each prompt, but for its last token, into a sequence of its own. @param {{ prompts: string[] }} work */
  async prepare({ prompts }) {
    await Promise.all(
      prompts.map(async (prompt) => {
        const tokens = [model.tokens.bos, ...model.tokenize(prompt)];
        const sequence = context.getSequence();
        held.push({ sequence, tokens });
        await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1));
      }),
    );
    return held.map(({ tokens }) => tokens.length);
  },

  /** Goes on from the first so many prompts, all at once. @param {{ count: number, predict: number }} work */
  async run({ count, predict }) {
    for (const { sequence, tokens } of held.slice(0, count)) {
      const end = sequence.nextTokenIndex;
      if (end >= tokens.length) await sequence.eraseContextTokenRanges([{ start: tokens.length - 1, end }]);
    }
    const started = performance.now();
    const counts = await Promise.all(held.slice(0, count).map((each) => one(each, predict)));
    return { ms: performance.now() - started, tokens: counts.reduce((sum, n) => sum + n) };
  },
});

async function one({ sequence, tokens }, predict) {
  let count = 0;
  const generation = sequence.evaluate(tokens.slice(-1), { temperature: 0, yieldEogToken: true });
  while (count < predict && !(await generation.next()).done) count += 1;
  await generation.return();
  return count;
}
