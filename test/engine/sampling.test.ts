// Sampling on a model of random weights: what a seed draws depends on nothing but the request, and every parameter
// arrives at the chain.
import { Engine, inspectSampling, type GenerationResult, type Sampling } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { drawRequests } from "../support/parity.mjs";
import { tinyModel } from "../support/random-model.mjs";
import { errorOf } from "./support/engines.js";

const REQUESTS = 100;
/** Texts that rounding may change: none in most runs. */
const MOST_ROUNDINGS = 1;
const prompts = drawRequests({ count: REQUESTS, seed: 19 }).map(({ parts }) => (parts[0] as { text: string }).text);
/** Settings of many kinds, so that every sampler with a state or random numbers of its own takes part. */
const settings: Sampling[] = [
  { temperature: 0.8 },
  { temperature: 1.2, topK: 0, topP: 1, minP: 0.02 },
  { temperature: 0.9, repeatPenalty: 1.18, repeatLastN: 256, frequencyPenalty: 0.2 },
  { miroStat: "V1" },
  { miroStat: "V2", miroStatTau: 3 },
  { xtcProbability: 0.5, dryMultiplier: 0.8 },
  { adaptivePTarget: 0.3 },
  { tfsZ: 0.9, typicalP: 0.9, dynatempRange: 0.3 },
];
const requests = prompts.map((prompt, i) => ({
  prompt,
  nPredict: 8 + (i % 17),
  ignoreEos: true,
  nProbs: 20,
  sampling: { ...settings[i % settings.length], seed: 1000 + i },
}));

// F32 weights and cache: rounding differs by batch size in the last bits only.
const load = (batchSize: number) =>
  Engine.load({ model: tinyModel(), mmproj: null, nCtx: 16384, nThreads: 1, batchSize, kv: { type: "f32" } });

/** How far logprobs may lie apart for rounding to be the reason, as in test/support/parity.mjs. */
const ROUNDING = 1e-2;

/**
 * How many texts differ, which only the model's own rounding may cause: kernels differ by batch size, and a random number
 * can fall between two roundings of a sum. Up to there all tokens are equal, so what the model gave must be equal but for
 * rounding, and must not be equal bit by bit.
 */
function differences(name: string, alone: readonly GenerationResult[], actual: readonly GenerationResult[]): number {
  let roundings = 0;
  alone.forEach((expected, i) => {
    const at = expected.logprobs!.findIndex(({ id }, t) => id !== actual[i]!.logprobs![t]?.id);
    if (at < 0) {
      expect(actual[i]!.text).toBe(expected.text);
      return;
    }
    const theirs = new Map(actual[i]!.logprobs![at]!.before.map(({ id, logprob }) => [id, logprob]));
    const gaps = expected.logprobs![at]!.before.flatMap(({ id, logprob }) =>
      theirs.has(id) ? [Math.abs(logprob - theirs.get(id)!)] : [],
    );
    expect(Math.max(...gaps), `request ${i}: the model gave something else`).toBeLessThan(ROUNDING);
    expect(Math.max(...gaps), `request ${i}: the model gave the same`).toBeGreaterThan(0);
    roundings++;
  });
  console.log(
    `seeds, ${name}: ${alone.length - roundings} of ${alone.length} texts equal, ${roundings} differ by rounding`,
  );
  return roundings;
}

describe("a seeded request draws the same text", () => {
  const alone: GenerationResult[] = [];

  beforeAll(async () => {
    const engine = await load(1);
    for (const request of requests) alone.push(await engine.complete(request).result);
    await engine.close();
    expect(new Set(alone.map(({ text }) => text)).size).toBeGreaterThan(REQUESTS * 0.9);
  });

  test("twice alone, to the last bit of its logprobs", async () => {
    const engine = await load(1);
    for (const [i, request] of requests.entries()) {
      const { text, logprobs } = await engine.complete(request).result;
      expect({ text, logprobs }).toEqual({ text: alone[i]!.text, logprobs: alone[i]!.logprobs });
    }
    await engine.close();
  });

  test("in a batch of 16", async () => {
    const engine = await load(16);
    const results = await Promise.all(requests.map((request) => engine.complete(request).result));
    await engine.close();
    expect(differences("batch of 16", alone, results)).toBeLessThanOrEqual(MOST_ROUNDINGS);
  });

  test("after a cancelled neighbour", async () => {
    const engine = await load(16);
    const results = requests.map(async (request, i) => {
      const controller = new AbortController();
      const { signal } = controller;
      const neighbour = engine.complete({ prompt: prompts[(i + 1) % REQUESTS]!, ignoreEos: true, signal });
      const read = (async () => {
        for await (const event of neighbour) if (event.type === "text") controller.abort();
      })().catch(() => {});
      const result = await engine.complete(request).result;
      controller.abort();
      await read;
      return result;
    });
    const all = await Promise.all(results);
    expect(differences("cancelled neighbours", alone, all)).toBeLessThanOrEqual(MOST_ROUNDINGS);
    expect(engine.stats().aborted).toBeGreaterThan(REQUESTS / 2);
    await engine.close();
  });
});

describe("parameters", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ nThreads: 1, nCtx: 2048 });
  });
  afterAll(() => engine.close());

  const ask = (sampling: Sampling, more = {}) =>
    engine.complete({ prompt: "What is gout?", nPredict: 8, nProbs: 3, sampling, ...more }).result;

  test("logprobs: before the chain, after it, and what was drawn", async () => {
    const { logprobs, usage, text } = await ask({ seed: 3, topK: 5, topP: 1, minP: 0 });
    expect(logprobs).toHaveLength(usage.completionTokens);
    expect(logprobs!.map((each) => each.text).join("")).toBe(text);
    for (const token of logprobs!) {
      expect(token.before).toHaveLength(3);
      expect(token.after).toHaveLength(3);
      expect(Buffer.from(token.bytes).toString()).toBe(token.text);
      expect(engine.detokenize([token.id])).toBe(token.text);
      const same = token.before.find(({ id }) => id === token.id);
      if (same) expect(same.logprob).toBeCloseTo(token.logprobBefore, 5);
      expect(token.logprobAfter).toBeLessThanOrEqual(0);
      expect([...token.before].sort((a, b) => b.logprob - a.logprob)).toEqual(token.before);
    }
  });

  test("logprobs of a greedy draw: one token at temperature 0, the whole distribution below", async () => {
    const at = (await ask({ temperature: 0 })).logprobs!;
    const below = (await ask({ temperature: -1 })).logprobs!;
    expect(at.map(({ id }) => id)).toEqual(below.map(({ id }) => id));
    expect(at[0]).toMatchObject({ logprobAfter: 0, after: [{ id: at[0]!.id, logprob: 0 }] });
    expect(below[0]!.after).toHaveLength(3);
    expect(below[0]!.logprobAfter).toBeCloseTo(below[0]!.logprobBefore, 4);
  });

  test("logprobs that nobody reads as they come, and those of a streamed request, are the same", async () => {
    const options = { prompt: "What is gout?", nPredict: 8, nProbs: 2, sampling: { seed: 5 } };
    const kept = (await engine.complete(options).result).logprobs;
    const streamed = [];
    for await (const event of engine.complete(options)) if (event.type === "logprobs") streamed.push(...event.tokens);
    expect(streamed).toEqual(kept);
  });

  test("biases by id and by text, and tokens that are never drawn", async () => {
    const [yes] = engine.tokenize(" aspirin");
    const favoured = await ask({ temperature: 0, tokenIdBias: { [yes!]: 1000 } });
    expect(favoured.logprobs!.every(({ id }) => id === yes)).toBe(true);
    const tokens = new Set(engine.tokenize("aspirin"));
    const byText = await ask({ temperature: 0, tokenBias: { aspirin: 1000 } });
    expect(byText.logprobs!.every(({ id }) => tokens.has(id))).toBe(true);
    const first = (await ask({ temperature: 0 })).logprobs![0]!.id;
    for (const sampling of [{ disableTokenIds: [first] }, { tokenIdBias: { [first]: false as const } }]) {
      const { logprobs } = await ask({ temperature: 0, ...sampling });
      expect(logprobs!.some(({ id }) => id === first)).toBe(false);
    }
    const all = Array.from({ length: engine.info.nVocab }, (_, id) => id);
    expect(await errorOf(ask({ disableTokenIds: all }))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await errorOf(ask({ disableTokenIds: [all.length] }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("a penalty prompt stands for the prompt", async () => {
    const first = (await ask({ temperature: 0 })).logprobs![0]!;
    const penalty = { temperature: -1, repeatPenalty: 100, presencePenalty: 100, penalizeNl: true };
    const spared = await ask({ ...penalty, penaltyPrompt: "zzz" });
    const hit = await ask({ ...penalty, penaltyPrompt: [first.id] });
    expect(spared.logprobs![0]!.id).toBe(first.id);
    expect(hit.logprobs![0]!.id).not.toBe(first.id);
  });

  test("DRY with its breakers, every sampler order, and the seed that llama.cpp takes for chance", async () => {
    await ask({ dryMultiplier: 1, drySequenceBreakers: ["\n", "USER:"] });
    await ask({ samplers: ["TEMPERATURE", "MIN_P", "PENALTIES", "TOP_K", "XTC"], temperature: 2, xtcProbability: 1 });
    const texts = await Promise.all([1, 2].map(async () => (await ask({ seed: 2 ** 32 - 1, temperature: 2 })).text));
    expect(texts[0]).toBe(texts[1]);
  });
});

describe("inspectSampling", () => {
  const probs = [0.1, 0.15, 0.2, 0.25, 0.3];
  const off = { topK: 0, topP: 1, minP: 0, temperature: 1 };

  test.each([
    [0.25, [4]],
    [0.75, [4, 3]],
    [0.99, [4, 3]],
  ])("tail-free sampling at %f keeps %j", async (tfsZ, ids) => {
    const { stages } = await inspectSampling({ probs, sampling: { ...off, tfsZ } });
    expect(stages[0]!.sampler).toBe("TFS_Z");
    expect(stages[0]!.candidates.map(({ id }) => id)).toEqual(ids);
  });

  test("draws the same token with the same seed", async () => {
    const tokens = await Promise.all([1, 1, 1].map((seed) => inspectSampling({ probs, sampling: { seed } })));
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
  });

  test.each([
    [{ tokenBias: { a: 1 } }, "tokenBias"],
    [{ penaltyPrompt: "a" }, "penaltyPrompt"],
    [{ dryMultiplier: 1 }, "drySequenceBreakers"],
    [{ disableTokenIds: [0, 1, 2, 3, 4] }, "no token is left"],
    [{ disableTokenIds: [5] }, "disableTokenIds"],
    [{ minKeep: 6 }, "minKeep"],
  ])("refuses %j by name", async (sampling, name) => {
    const error = await errorOf(inspectSampling({ probs, sampling }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(name) as string });
  });
});
