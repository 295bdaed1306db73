// Sends long texts by every way that text comes in. Runs in the main thread, or as a worker that is given the same.
import { isMainThread, parentPort, workerData } from "node:worker_threads";

import { Engine } from "medinfer";

/**
 * @typedef {{ shape: string, way: string, cpuMs: number, outcome: string }} Trial `cpuMs`: of the whole process, which a busy
 *   machine does not change; `outcome`: an error's code, or "ok"
 *
 * @param {{ model: string, bytes: number }} options
 * @returns {Promise<Trial[]>}
 */
export async function tryLongTexts({ model, bytes }) {
  const engine = await Engine.load({ model, mmproj: null, chatTemplate: "vicuna", nCtx: 512, nThreads: 1 });
  const short = { nPredict: 1, sampling: { temperature: 0 } };
  /** @type {Record<string, (text: string) => unknown>} */
  const ways = {
    tokenize: (text) => engine.tokenize(text),
    "tokenize with special tokens": (text) => engine.tokenize(text, { addSpecial: true, parseSpecial: true }),
    complete: (prompt) => engine.complete({ prompt, ...short }).result,
    chat: (content) => engine.chat({ messages: [{ role: "user", content }], ...short }).result,
    session: (content) => engine.session().chat({ content, ...short }).result,
    annotate: async (prompt) => {
      for await (const { error } of engine.annotate([{ prompt }], short)) if (error) throw error;
    },
    tokenBias: (text) => engine.complete({ prompt: "Hello", ...short, sampling: { tokenBias: { [text]: 1 } } }).result,
    penaltyPrompt: (penaltyPrompt) =>
      engine.complete({ prompt: "Hello", ...short, sampling: { penaltyPrompt, repeatPenalty: 1.1 } }).result,
  };
  /** @type {Trial[]} */
  const trials = [];
  for (const [shape, piece] of Object.entries(SHAPES)) {
    const text = piece.repeat(Math.floor(bytes / Buffer.byteLength(piece)));
    for (const [way, send] of Object.entries(ways)) {
      if (!way.startsWith("tokenize") && !EVERY_WAY.includes(shape)) continue; // the others take the same path
      const start = process.cpuUsage();
      const outcome = await Promise.resolve()
        .then(() => send(text))
        .then(
          () => "ok",
          (error) => error.code ?? String(error),
        );
      const { user, system } = process.cpuUsage(start);
      trials.push({ shape, way, cpuMs: Math.round((user + system) / 1000), outcome });
    }
  }
  await engine.close();
  return trials;
}

const SHAPES = {
  "one word": "a",
  blanks: " ",
  "line ends": "\n",
  digits: "7",
  signs: "<",
  "signs and letters": "<a",
  CJK: "药",
  marks: "\u0301",
  "letters and digits": "a1",
  "control tokens": "</s>",
  prose: "The patient takes 5 mg of it, twice a day.\n",
};

const EVERY_WAY = ["one word", "blanks", "signs", "signs and letters"];

if (!isMainThread) parentPort?.postMessage(await tryLongTexts(workerData));
