// Parity: what the engine answers to many requests at once, against a plain loop that answers them one by one.
//
// Kernels differ by batch size, so the two may part where the two best tokens are as good as tied: a first difference
// is accepted where the plain loop's two best logits lie within TIE of each other, and counted.
import { setTimeout as delay } from "node:timers/promises";

import { Engine, MedInferError } from "medinfer";

import { cachedFile } from "./cached-file.mjs";
import { blocksPng } from "./images.mjs";
import { PlainLoop } from "./plain-loop.mjs";
import { SeededRandom } from "./seeded-random.mjs";

export const TIE = 1e-3;

/**
 * @typedef {object} ParityRequest
 * @property {({ text: string } | { image: string })[]} parts
 * @property {number} predict
 * @property {number} arrivalMs
 * @property {number} [priority]
 * @property {string} [cacheSalt]
 * @property {number} [n] completions: greedy, so all have to be equal
 * @property {number} [cancelAfter] texts after which it is cancelled; 0: at once
 *
 * @typedef {object} Outcome
 * @property {string} text
 * @property {string} finish a finish reason, or the code of an error
 * @property {{ text: string, finish: string }[]} [others] the other completions of the request
 *
 * @typedef {object} ParityReport
 * @property {number} requests
 * @property {number} cancelled ended by their cancellation; what they had said was compared all the same
 * @property {number} ties first differences that a tie explains
 * @property {number} tokens compared
 * @property {number} meanMargin of the plain loop: a flat model could not fail
 * @property {{ request: number, token: number, margin: number, expected: string, actual: string }[]} mismatches
 */

/** Blocks of colour in four sizes and shapes, as files. */
export function pictures() {
  const sizes = [
    [112, 112],
    [224, 112],
    [90, 140],
    [300, 200],
  ];
  return sizes.map(([width, height], seed) =>
    cachedFile(`blocks-${width}x${height}.png`, blocksPng(seed, { width, height })),
  );
}

/**
 * Random prompts that arrive at random times; one in eight is cancelled on its way.
 * @param {{ count: number, seed: number, images?: string[], arrivalMs?: number }} options
 * @returns {ParityRequest[]}
 */
export function drawRequests({ count, seed, images = [], arrivalMs = 400 }) {
  const random = new SeededRandom(seed);
  const words = () => {
    // Most prompts are short, some span several ubatches.
    const [from, to] = random.next() < 0.2 ? [100, 400] : [2, 60];
    return randomWords(random, from, to);
  };
  return Array.from({ length: count }, () => {
    const parts = [{ text: words() }];
    for (let i = images.length > 0 ? random.int(0, 2) : 0; i > 0; i--) {
      parts.push({ image: random.pick(images) }, { text: ` ${words()}` });
    }
    const request = { parts, predict: random.int(1, 48), arrivalMs: random.next() * arrivalMs };
    if (random.next() < 1 / 8) request.cancelAfter = random.int(0, 6);
    return request;
  });
}

/** As many words as it draws. @param {SeededRandom} random @param {number} from @param {number} to */
export function randomWords(random, from, to) {
  return Array.from({ length: random.int(from, to) }, () => randomWord(random)).join(" ");
}

/** A word of the tiny models' own vocabulary, or now and then a number. @param {SeededRandom} random */
export function randomWord(random) {
  if (random.next() < 0.1) return `${random.int(1, 999)}`;
  const consonant = () => random.pick([..."bcdfghjklmnpqrstvwxz"]);
  return consonant() + random.pick([..."aeiou"]) + consonant();
}

/** The parts with neighbouring texts as one, as the engine reads them. */
export function joined(parts) {
  const whole = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if ("text" in part && last !== undefined && "text" in last) whole.splice(-1, 1, { text: last.text + part.text });
    else whole.push(part);
  }
  return whole;
}

/**
 * @param {ParityRequest[]} requests
 * @param {string} model
 * @param {{ mmproj?: string, kv: "f32" | "f16", ctx?: number, device?: "cpu" | "gpu" }} options
 */
export async function plainAnswers(requests, model, options) {
  const loop = await PlainLoop.start(model, { threads: 1, ...options });
  try {
    const answers = [];
    for (const request of requests) answers.push(await loop.run(request));
    return answers;
  } finally {
    await loop.close();
  }
}

/**
 * @template T
 * @param {ParityRequest[]} requests
 * @param {import("medinfer").LoadOptions} options
 * @param {(engine: Engine) => Promise<T>} [also] what else the engine is asked at the same time
 * @returns {Promise<{ outcomes: Outcome[], beside: T, stats: import("medinfer").EngineStats }>}
 */
export async function engineOutcomes(requests, options, also = async () => {}) {
  const engine = await Engine.load(options);
  try {
    const asked = Promise.all(requests.map((request) => outcome(engine, request)));
    const [outcomes, beside] = await Promise.all([asked, also(engine)]);
    return { outcomes, beside, stats: engine.stats() };
  } finally {
    await engine.close();
  }
}

/** Parts as the engine takes them. @param {ParityRequest["parts"]} parts */
export const toContent = (parts) =>
  parts.map((part) => ("text" in part ? { type: "text", text: part.text } : { type: "image", image: part.image }));

/** @param {Engine} engine @param {ParityRequest} request */
async function outcome(engine, { parts, predict, arrivalMs, cancelAfter, priority, cacheSalt, n = 1 }) {
  await delay(arrivalMs);
  const controller = new AbortController();
  const generation = engine.complete({
    prompt: toContent(parts),
    nPredict: predict,
    n,
    priority,
    cacheSalt,
    sampling: { temperature: 0, repeatPenalty: 1 },
    signal: controller.signal,
  });
  let text = "";
  let left = cancelAfter ?? Infinity;
  try {
    if (left === 0) controller.abort();
    for await (const event of generation) {
      if (event.type !== "text" || event.index > 0) continue;
      text += event.text;
      if (--left === 0) controller.abort();
    }
    const { finishReason, choices = [] } = await generation.result;
    return {
      text,
      finish: finishReason,
      others: choices.slice(1).map((choice) => ({ text: choice.text, finish: choice.finishReason })),
    };
  } catch (error) {
    if (!(error instanceof MedInferError)) throw error;
    return { text, finish: error.code };
  }
}

/**
 * @param {ParityRequest[]} requests
 * @param {import("./plain-loop.mjs").PlainAnswer[]} answers
 * @param {Outcome[]} outcomes
 * @param {number} [tie] what the two best logits may be apart where answers part: more for other arithmetic than the loop's
 * @returns {ParityReport}
 */
export function compare(requests, answers, outcomes, tie = TIE) {
  const report = { requests: requests.length, cancelled: 0, ties: 0, tokens: 0, meanMargin: 0, mismatches: [] };
  const margins = [];
  const check = (request, i, { text, finish }) => {
    const answer = answers[i];
    const cancelled = request.cancelAfter !== undefined && finish === "ABORTED";
    if (cancelled) report.cancelled += 1;
    margins.push(...answer.margins);

    const at = firstDifference(answer.text, text, { prefix: cancelled });
    const token = at === undefined ? undefined : tokenAt(answer, at);
    report.tokens += token ?? tokenAt(answer, text.length);
    if (token === undefined && (cancelled || finish === answer.finish)) return;
    const margin = answer.margins[token ?? answer.margins.length - 1];
    if (margin < tie) {
      report.ties += 1;
    } else {
      const expected = `${answer.text} [${answer.finish}]`;
      report.mismatches.push({ request: i, token, margin, expected, actual: `${text} [${finish}]` });
    }
  };
  requests.forEach((request, i) => {
    check(request, i, outcomes[i]);
    for (const other of outcomes[i].others ?? []) check(request, i, other);
  });
  report.meanMargin = margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
  return report;
}

/**
 * What the margins of two plain loops are apart, token by token as far as both say the same.
 * @param {import("./plain-loop.mjs").PlainAnswer} one @param {import("./plain-loop.mjs").PlainAnswer} other
 */
export function marginDistances(one, other) {
  const parts = one.tokens.findIndex((token, i) => token !== other.tokens[i]);
  const same = one.margins.slice(0, parts < 0 ? one.tokens.length : parts);
  return same.map((margin, i) => Math.abs(margin - other.margins[i]));
}

/**
 * Where two texts part; undefined where they are equal, or with `prefix` where the second only ends early.
 * @param {string} expected @param {string} actual @param {{ prefix: boolean }} options
 */
function firstDifference(expected, actual, { prefix }) {
  for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) return i;
  return prefix || actual.length === expected.length ? undefined : actual.length;
}

/** The token that holds a character; past the end, the step that ended the answer. */
function tokenAt(answer, offset) {
  let end = 0;
  for (let token = 0; token < answer.sizes.length; token++) {
    end += answer.sizes[token];
    if (offset < end) return token;
  }
  return answer.sizes.length;
}
