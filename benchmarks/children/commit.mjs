// One build of the library, this one or another commit's, that decodes, encodes and answers at a call; for before and
// drafts.
import { pathToFileURL } from "node:url";
import path from "node:path";

import { workThrough } from "../lib/at-once.mjs";
import { serve } from "../lib/worker.mjs";

let Engine;
/** @type {import("medinfer").Engine} */
let engine;

serve({
  /** @param {string} root of the clone */
  async use(root) {
    ({ Engine } = await import(pathToFileURL(path.join(root, "dist", "index.mjs")).href));
  },

  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    engine = await Engine.load(options);
  },

  /** Tokens per second. */
  async decode({ requests, tokens }) {
    const options = { nPredict: tokens, ignoreEos: true, sampling: { temperature: 0, repeatPenalty: 1 } };
    const started = performance.now();
    await Promise.all(
      Array.from({ length: requests }, (_, i) => engine.complete({ prompt: `Report ${i}`, ...options }).result),
    );
    return (requests * tokens * 1000) / (performance.now() - started);
  },

  /**
   * Answers to chats, so many at once and in order, with texts and times. `prepare`: their prompts are read before the clock
   * starts, so that it shows what generating takes.
   * @param {{ requests: import("medinfer").ChatOptions[], atOnce: number, prepare?: boolean }} work
   */
  async answer({ requests, atOnce, prepare = false }) {
    const all = (change) => workThrough(requests, atOnce, (options) => engine.chat(change(options)).result);
    if (prepare) await all(({ jsonSchema: _, ...options }) => ({ ...options, nPredict: 1 }));
    const started = performance.now();
    const results = await all((options) => options);
    const ms = performance.now() - started;
    const sum = (of) => results.reduce((total, { usage }) => total + (of(usage) ?? 0), 0);
    const tokens = sum((usage) => usage.completionTokens);
    return {
      tokensPerSecond: (1000 * tokens) / ms,
      decodeTokensPerSecond: (1000 * tokens) / results.reduce((total, { timings }) => total + timings.decodeMs, 0),
      tokens,
      drafted: sum((usage) => usage.draftTokens),
      accepted: sum((usage) => usage.acceptedTokens),
      texts: results.map(({ text }) => text),
    };
  },

  /** The prompts that chats become. @param {import("medinfer").ChatOptions[]} requests */
  render(requests) {
    return requests.map(({ messages }) => engine.applyChatTemplate(messages).prompt);
  },

  /** Milliseconds to the first token behind so many others, which the seed draws. */
  async firstToken({ tokens, seed }) {
    const prompt = Array.from({ length: tokens }, (_, i) => 300 + ((7919 * i * (seed + 1) + 104_729 * seed) % 1000));
    const { timings } = await engine.complete({ prompt, nPredict: 1, sampling: { temperature: 0 } }).result;
    return timings.firstTokenMs;
  },

  /** Images per second, one after the other. The engine must have no cache of them. */
  async encode({ images }) {
    const started = performance.now();
    for (const image of images) await engine.embedImage(image);
    return (images.length * 1000) / (performance.now() - started);
  },
});
