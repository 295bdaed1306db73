// Memory over many requests, of every kind. Runs with --expose-gc. Sends megabytes.
import { blocksPng } from "../../support/images.mjs";
import { Events, loadEngine, longPrompt, models, requestOf } from "./native.mjs";

const [count, kind] = [Number(process.argv[2]), process.argv[3]];
const vision = kind === "image";

const events = new Events();
const engine = await loadEngine({ mmprojPath: vision ? models.mmproj : "", imageCacheBytes: 1 << 20 }, events.receive);

/** @param {number} i */
function submit(i) {
  const prompt = vision
    ? [...longPrompt(3), { image: blocksPng(i), minTokens: 0, maxTokens: 0 }]
    : longPrompt(3 + (i % 50));
  const id = engine.submit(requestOf(prompt, { nPredict: 8 }));
  if (i % 5 === 0) engine.cancel(id);
  return events.end(id);
}

/** @param {number} from @param {number} to */
async function run(from, to) {
  for (let i = from; i < to; i += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, k) => submit(i + k)));
  }
  globalThis.gc?.();
  await new Promise(setImmediate);
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
}

// The first requests fill caches and the allocator's free lists.
const warm = await run(0, 400);
const end = await run(400, 400 + count);
await engine.close();
process.send?.({ warm, end });
