// Parity under fire: random schedules against small page pools. Requests arrive at random times with shared beginnings,
// images, priorities and salts, some are cancelled, sessions fork, and the pool is too small for them, so that pages are
// evicted and requests preempted. Every answer has to be that of a plain loop with a cache of its own.
import { drawTalk, runTalk } from "./kv-talks.mjs";
import { compare, engineOutcomes, joined, marginDistances, pictures, randomWords } from "./parity.mjs";
import { PlainLoop } from "./plain-loop.mjs";
import { tinyModel, tinyPairs } from "./random-model.mjs";
import { SeededRandom } from "./seeded-random.mjs";

const PLAIN = { threads: 1, ctx: 2048 };

/**
 * @typedef {object} Schedule
 * @property {import("./parity.mjs").ParityRequest[]} requests
 * @property {import("./kv-talks.mjs").Talk[]} talks
 * @property {string} family a key of tinyPairs, or "text"
 * @property {import("medinfer").LoadOptions} options of the engine
 */

/** @param {number} seed @returns {Schedule} */
export function drawSchedule(seed) {
  const random = new SeededRandom(seed);
  const family = random.pick(["text", "text", "llava", "qwen2vl", "gemma3"]);
  const images = family === "text" ? [] : pictures();
  const words = (from, to) => randomWords(random, from, to);
  // Short prompts with long answers all fit at first, and then do not.
  const crowded = random.next() < 0.4;
  const beginnings = Array.from({ length: random.int(1, 3) }, () => {
    const parts = [{ text: `${crowded ? words(2, 16) : words(20, 90)} ` }];
    if (images.length > 0) parts.push({ image: random.pick(images) }, { text: ` ${words(1, 20)} ` });
    return parts;
  });
  const requests = Array.from({ length: random.int(6, 20) }, () => {
    const alone = () => [{ text: `${words(1, crowded ? 8 : 60)} ` }];
    const parts = random.next() < 0.7 ? [...random.pick(beginnings)] : alone();
    if (images.length > 0 && random.next() < 0.2) parts.push({ image: random.pick(images) });
    parts.push({ text: words(1, 12) });
    const request = {
      parts: joined(parts),
      predict: crowded ? random.int(60, 220) : random.int(1, random.next() < 0.3 ? 200 : 40),
      arrivalMs: random.next() * random.pick([0, 20, 200]),
      priority: random.pick([0, 0, 0, 5]),
      cacheSalt: random.pick(["", "", "another tenant"]),
    };
    if (random.next() < 1 / 8) request.cancelAfter = random.int(0, 6);
    else if (random.next() < 0.2) request.n = random.int(2, 6);
    return request;
  });
  // The largest request fits, and not much more.
  const least = crowded ? { text: 384, image: 640 } : { text: 640, image: 1280 };
  const nCtx = least[family === "text" ? "text" : "image"] + 32 * random.int(0, crowded ? 4 : 20);
  const options = {
    nCtx,
    batchSize: random.pick([2, 4, 8, 16]),
    nUbatch: family === "gemma3" ? 512 : random.pick([32, 64, 512]),
    nThreads: random.pick([1, "auto"]),
    kv: {
      type: "f16",
      pageSize: random.pick([16, 32, 32, 64]),
      swapBytes: random.pick([0, 2 ** 18, 2 ** 30, 2 ** 30]),
      // Where it is off, all that gave way comes back from memory, or is computed again.
      prefixCache: crowded ? random.pick([true, false]) : true,
      gather: random.pick([false, true]),
    },
  };
  const talks = Array.from({ length: random.int(0, 3) }, () => drawTalk(random, beginnings));
  return { requests, talks, family, options };
}

const filesOf = (family) => (family === "text" ? { model: tinyModel(), mmproj: null } : tinyPairs[family]());

/** Runs schedules one after the other; plain loops of each family stay loaded. */
export class FireRange {
  #loops = {};

  /** @param {string} family @param {number} ubatch */
  async #loop(family, ubatch) {
    const { model, mmproj } = filesOf(family);
    const options = { ...PLAIN, kv: "f16", ubatch, ...(mmproj && { mmproj }) };
    return (this.#loops[`${family} ${ubatch}`] ??= await PlainLoop.start(model, options));
  }

  /** @param {Schedule} schedule */
  async run({ requests, talks, family, options }) {
    const loop = await this.#loop(family, 512);
    const { outcomes, beside, stats } = await engineOutcomes(requests, { ...options, ...filesOf(family) }, (engine) =>
      Promise.all(talks.map((talk) => runTalk(engine, talk))),
    );
    const turns = beside.flat();
    const all = [...requests, ...turns.map(({ request }) => request)];
    const answers = [];
    for (const request of all) answers.push(await loop.run(request));
    return { report: compare(all, answers, [...outcomes, ...turns.map(({ outcome }) => outcome)]), answers, stats };
  }

  /**
   * What the margins of the plain loop are apart, token by token as far as both say the same, when it reads the same
   * prompts in one go and one token at a time: no comparison with it can be finer than that. Nothing for gemma3, which
   * reads an image in one go.
   * @param {Schedule} schedule
   * @param {import("./plain-loop.mjs").PlainAnswer[]} answers what run() had from the loop
   */
  async noise({ requests, family }, answers) {
    const distances = [];
    if (family === "gemma3") return distances;
    const loop = await this.#loop(family, 1);
    for (const [which, request] of requests.entries()) {
      distances.push(...marginDistances(answers[which], await loop.run(request)));
    }
    return distances;
  }

  async close() {
    await Promise.all(Object.values(this.#loops).map((loop) => loop.close()));
  }
}
