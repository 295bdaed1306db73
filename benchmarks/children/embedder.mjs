// An engine that embeds texts; for embeddings.
import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

serve({
  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    engine = await Engine.load({ device: "cpu", ...options });
  },

  /** Texts of so many tokens, special ones included, or a few less. @param {{ text: string, tokens: number }[]} wanted */
  cut(wanted) {
    let sum = 0;
    const texts = wanted.map(({ text, tokens }) => {
      const shorter = engine.detokenize(engine.tokenize(text).slice(0, tokens - 2));
      sum += engine.tokenize(shorter, { addSpecial: true }).length;
      return shorter;
    });
    return { texts, tokens: sum };
  },

  /** How many rows there are. @param {string[]} texts */
  async embed(texts) {
    const { embeddings } = await engine.embed(texts);
    return embeddings.filter((row) => Number.isFinite(row[0])).length;
  },
});
