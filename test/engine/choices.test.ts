/** Several completions of one prompt. */
import { Engine, type GenerationEvent } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModel } from "../support/random-model.mjs";
import { collect, endless, errorOf, greedy, loadTiny, user } from "./support/engines.js";

const wild = (seed: number) => ({ temperature: 3, topK: 0, topP: 1, minP: 0, seed });

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ nCtx: 4096, batchSize: 8 });
});
afterAll(() => engine.close());

describe("n", () => {
  it("draws each completion as its seed would alone, from a prompt that is computed once", async () => {
    const options = { messages: user("What is a fever? ".repeat(8)), nPredict: 16, ignoreEos: true };
    const before = engine.stats();
    const { choices = [], ...first } = await engine.chat({ ...options, n: 5, sampling: wild(7) }).result;
    const computed = engine.stats().promptTokens - before.promptTokens;
    expect(computed).toBe(first.usage.promptTokens);
    expect(choices).toHaveLength(5);
    expect(first).toEqual(choices[0]);
    for (const [i, { text }] of choices.entries()) {
      expect(text).toBe((await engine.chat({ ...options, sampling: wild(7 + i) }).result).text);
    }
    expect(new Set(choices.map(({ text }) => text)).size).toBe(5);
    expect(choices[1]!.usage.cachedTokens).toBe(first.usage.promptTokens);
    expect(engine.stats().kv.pagesUsed).toBe(0);
  });

  it("names the completion of every event, and ends with one done", async () => {
    const generation = engine.chat({ ...endless, n: 3, sampling: wild(1), nPredict: 12, nProbs: 1 });
    const events = await collect(generation);
    const { choices = [] } = await generation.result;
    for (const [i, choice] of choices.entries()) {
      const own = events.filter((event: GenerationEvent) => "index" in event && event.index === i);
      expect(own.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(choice.text);
      expect(own.at(-1)).toEqual({ type: "choice", index: i, ...choice });
      expect(choice.logprobs).toHaveLength(12);
    }
    expect(events.at(-1)).toEqual({ type: "done", ...(await generation.result) });
    expect(events.filter(({ type }) => type === "done" || type === "queued")).toHaveLength(2);
  });

  it("gives equal answers at temperature 0, also where there are more than places in the batch", async () => {
    await using small = await Engine.load({ model: tinyModel(), mmproj: null, nCtx: 1024, batchSize: 3 });
    const options = { prompt: "mik mak mek ".repeat(30), sampling: greedy, nPredict: 60, ignoreEos: true };
    const { text } = await small.complete(options).result;
    const { choices = [] } = await small.complete({ ...options, n: 9 }).result;
    expect(choices.map((choice) => choice.text)).toEqual(Array<string>(9).fill(text));
    expect(small.stats()).toMatchObject({ queued: 0, running: 0, encoding: 0 });
  });

  it("keeps each completion to the grammar, and ends each at its own stop", async () => {
    const grammar = 'root ::= ("yes" | "no")';
    const { choices = [] } = await engine.chat({ messages: user("?"), n: 6, grammar, sampling: wild(3) }).result;
    expect(choices.every(({ text }) => text === "yes" || text === "no")).toBe(true);
    const stopped = await engine.chat({ ...endless, n: 4, sampling: wild(5), nPredict: 60, stopRegexes: [/[a-e]/] })
      .result;
    for (const { text, finishReason } of stopped.choices ?? []) {
      expect(text).not.toMatch(/[a-e]/);
      expect(["stop", "length"]).toContain(finishReason);
    }
  });

  it("ends all of them together", async () => {
    const controller = new AbortController();
    const generation = engine.chat({ ...endless, n: 6, signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    expect((await errorOf(generation.result)).code).toBe("ABORTED");
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0, kvCellsUsed: 0 });
    const full = engine.complete({ prompt: "a ".repeat(9000), n: 3 });
    expect((await errorOf(full.result)).code).toBe("CONTEXT_FULL");
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0 });
  });
});

describe("bestOf", () => {
  it("gives the likeliest of what the seeds would draw, the best first", async () => {
    const options = { messages: user("Hello"), nPredict: 10, ignoreEos: true };
    const alone = [];
    for (let i = 0; i < 6; i++) {
      const { text, logprobs = [] } = await engine.chat({ ...options, sampling: wild(20 + i), nProbs: 1 }).result;
      alone.push({ text, mean: logprobs.reduce((sum, { logprobBefore }) => sum + logprobBefore, 0) / logprobs.length });
    }
    alone.sort((a, b) => b.mean - a.mean);
    const generation = engine.chat({ ...options, sampling: wild(20), n: 2, bestOf: 6 });
    const events = await collect(generation);
    const { choices = [] } = await generation.result;
    expect(choices.map(({ text }) => text)).toEqual(alone.slice(0, 2).map(({ text }) => text));
    expect(choices[0]!.meanLogprob).toBeCloseTo(alone[0]!.mean, 3);
    expect([...new Set(events.map(({ type }) => type))]).toEqual(["queued", "prefill", "done"]);
    const best = await engine.chat({ ...options, sampling: wild(20), bestOf: 6 }).result;
    expect(best).toMatchObject({ text: alone[0]!.text });
    expect(best).not.toHaveProperty("choices");
  });

  it("is n or more", async () => {
    const error = await errorOf(engine.chat({ messages: user("Hello"), n: 3, bestOf: 2 }).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "bestOf" }] });
    expect((await errorOf(engine.chat({ messages: user("Hello"), n: 65 }).result)).code).toBe("INVALID_ARGUMENT");
  });
});
