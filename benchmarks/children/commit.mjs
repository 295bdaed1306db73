// One build of the library, this one or another commit's, that decodes and encodes at a call; for before.
import { pathToFileURL } from "node:url";
import path from "node:path";

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

  /** Images per second, one after the other. The engine must have no cache of them. */
  async encode({ images }) {
    const started = performance.now();
    for (const image of images) await engine.embedImage(image);
    return (images.length * 1000) / (performance.now() - started);
  },
});
