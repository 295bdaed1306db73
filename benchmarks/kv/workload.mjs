// Requests whose lengths in tokens are known exactly, with words of which each is one token.
import { SeededRandom } from "../../test/support/seeded-random.mjs";

/** One token each in the vocabularies of Llama 2 and of Llama 3, behind a space. */
const WORDS = (
  "of the normal days ten in history treated no blood daily week after given was regular to and heart with twice pain " +
  "rest left type up two patient pressure follow reports since rate last"
).split(" ");

/** At the beginning of a prompt, where Llama 3 sees no space, these are two. */
const NOT_FIRST = new Set(["treated", "twice"]);

/** @typedef {{ prompt: string, promptTokens: number, predict: number }} Request */

/** A prompt of exactly so many tokens, the first of them BOS. @param {number} tokens @param {number} seed */
export function promptOfTokens(tokens, seed) {
  const random = new SeededRandom(seed);
  const words = Array.from({ length: tokens - 1 }, () => random.pick(WORDS));
  if (NOT_FIRST.has(words[0])) words[0] = "the";
  return words.join(" ");
}

/** Lengths that are the exponential of normal ones, within bounds. */
function lognormal(random, { median, sigma, min, max }) {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.min(max, Math.max(min, Math.round(median * Math.exp(sigma * normal))));
}

/**
 * What people ask chat models: prompts of 160 tokens and answers of 330 on average, as in ShareGPT, most of them much
 * shorter and a few much longer. `scale` makes all of them shorter alike, a smaller `answerSigma` the answers more alike;
 * no request is longer than `limit`.
 * @param {{ count: number, limit: number, seed: number, scale?: number, answerSigma?: number }} options
 * @returns {Request[]}
 */
export function chats({ count, limit, seed, scale = 1, answerSigma = 1 }) {
  const random = new SeededRandom(seed);
  const bounds = { min: 4, max: limit };
  return Array.from({ length: count }, (_, i) => {
    const prompt = lognormal(random, { median: 90 * scale, sigma: 1.1, ...bounds, max: limit >> 1 });
    const answer = lognormal(random, { median: 200 * scale, sigma: answerSigma, ...bounds });
    return request(prompt, Math.min(answer, limit - prompt), seed + i);
  });
}

/** Prompts of mixed lengths. @param {{ count: number, max: number, seed: number, median: number }} options */
export function mixedPrompts({ count, max, seed, median }) {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const tokens = lognormal(random, { median, sigma: 0.8, min: 16, max });
    return request(tokens, 0, seed + i);
  });
}

/** @returns {Request} */
function request(promptTokens, predict, seed) {
  return { prompt: promptOfTokens(promptTokens, seed), promptTokens, predict };
}

/** @param {Request[]} requests */
export const longest = (requests) => Math.max(...requests.map((each) => each.promptTokens + each.predict));
