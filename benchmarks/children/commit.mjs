// One build of the library, this one or another commit's, that decodes and encodes at a call; for before.
import { pathToFileURL } from "node:url";
import path from "node:path";

import { serve } from "../lib/worker.mjs";

/** By name. @type {Map<string, import("medinfer").Engine>} */
const engines = new Map();
let Engine;

serve({
  /** @param {string} root of the clone */
  async use(root) {
    ({ Engine } = await import(pathToFileURL(path.join(root, "dist", "index.mjs")).href));
  },

  /** @param {{ name: string, options: import("medinfer").LoadOptions }} engine */
  async load({ name, options }) {
    engines.set(name, await Engine.load(options));
  },

  /** Tokens per second. */
  async decode({ name, requests, tokens }) {
    const options = { nPredict: tokens, ignoreEos: true, sampling: { temperature: 0, repeatPenalty: 1 } };
    const started = performance.now();
    await Promise.all(
      Array.from(
        { length: requests },
        (_, i) => engines.get(name).complete({ prompt: `Report ${i}`, ...options }).result,
      ),
    );
    return (requests * tokens * 1000) / (performance.now() - started);
  },

  /** Images per second, one after the other. The engine must have no cache of them. */
  async encode({ name, images }) {
    const started = performance.now();
    for (const image of images) await engines.get(name).embedImage(image);
    return (images.length * 1000) / (performance.now() - started);
  },
});
