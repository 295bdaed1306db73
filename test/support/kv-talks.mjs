// Conversations for the fire range: a session says something, is forked, and its forks go on at the same time.
import { setTimeout as delay } from "node:timers/promises";

import { MedInferError, registerChatTemplate } from "medinfer";

import { joined, randomWords, toContent } from "./parity.mjs";

/**
 * @typedef {object} Turn
 * @property {({ text: string } | { image: string })[]} parts what is said
 * @property {number} predict
 *
 * @typedef {object} Talk
 * @property {number} arrivalMs
 * @property {string} cacheSalt
 * @property {Turn} opening
 * @property {Turn[][]} forks the turns of each, one after the other
 */

/** Turns are written one after the other, so that a prompt is easily said to a plain loop. */
const TEMPLATE = "kv-talks";
registerChatTemplate(TEMPLATE, (messages) => messages.map(({ content }) => `${content} `).join(""));

/**
 * @param {import("./seeded-random.mjs").SeededRandom} random
 * @param {Turn["parts"][]} beginnings that openings may share with other requests
 * @returns {Talk}
 */
export function drawTalk(random, beginnings) {
  const words = (from, to) => randomWords(random, from, to);
  const turn = (before = []) => ({
    parts: joined([...before, { text: words(1, 12) }]),
    predict: random.int(1, 30),
  });
  return {
    arrivalMs: random.next() * random.pick([0, 20, 200]),
    cacheSalt: random.pick(["", "", "another tenant"]),
    opening: turn(random.pick(beginnings)),
    forks: Array.from({ length: random.int(1, 4) }, () => Array.from({ length: random.int(1, 2) }, () => turn())),
  };
}

/**
 * Every turn of a conversation, as a request for a plain loop and what the engine made of it.
 * @param {import("medinfer").Engine} engine @param {Talk} talk
 * @returns {Promise<{ request: import("./parity.mjs").ParityRequest, outcome: import("./parity.mjs").Outcome }[]>}
 */
export async function runTalk(engine, { arrivalMs, cacheSalt, opening, forks }) {
  await delay(arrivalMs);
  const turns = [];
  const say = async (session, before, { parts, predict }) => {
    const prompt = joined([...before, ...parts, { text: " " }]);
    const request = { parts: prompt, predict };
    try {
      const { text, finishReason } = await session.chat({
        content: toContent(parts),
        nPredict: predict,
        sampling: { temperature: 0, repeatPenalty: 1 },
      }).result;
      turns.push({ request, outcome: { text, finish: finishReason } });
      return joined([...prompt, { text: `${text.trim()} ` }]);
    } catch (error) {
      if (!(error instanceof MedInferError)) throw error;
      turns.push({ request, outcome: { text: "", finish: error.code } });
      return undefined;
    }
  };
  const session = engine.session({ chatTemplate: TEMPLATE, cacheSalt });
  const opened = await say(session, [], opening);
  await Promise.all(
    forks.map(async (following) => {
      const fork = await session.fork();
      let before = opened;
      for (const turn of following) before = before && (await say(fork, before, turn));
      fork.close();
    }),
  );
  session.close();
  return turns;
}
