/** How likely candidates are, against what drawing tokens one by one says of them. */
import { readFileSync } from "node:fs";
import type { Engine, ScoredCandidate, ScoreResult } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { errorOf, greedy, loadTiny, user } from "./support/engines.js";

const png = fromRoot("test", "fixtures", "images", "rgb.png");

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ kv: { type: "f32" } });
});
afterAll(() => engine.close());

/** The logprob of the first token behind a prompt of token ids, by forcing it with a bias. */
async function forced(prompt: number[], token: number): Promise<number> {
  const sampling = { ...greedy, tokenIdBias: { [token]: 1000 } };
  const { logprobs } = await engine.complete({ prompt, addSpecial: false, sampling, nPredict: 1, nProbs: 1 }).result;
  expect(logprobs![0]!.id).toBe(token);
  return logprobs![0]!.logprobBefore;
}

async function expectForced(prompt: number[], { tokenIds, tokenLogprobs, logprob }: ScoredCandidate): Promise<void> {
  let sum = 0;
  for (const [i, token] of tokenIds.entries()) {
    const expected = await forced([...prompt, ...tokenIds.slice(0, i)], token);
    expect(tokenLogprobs[i]!).toBeCloseTo(expected, 3);
    sum += expected;
  }
  expect(logprob).toBeCloseTo(sum, 2);
}

const whole = (prompt: string) => [...engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })];
/** Beginning that all lists have in common. */
function common(lists: number[][]): number[] {
  const [first = []] = lists;
  const end = first.findIndex((token, i) => lists.some((list) => list[i] !== token));
  return end < 0 ? first : first.slice(0, end);
}

/** The tokens that a vocabulary puts around a whole text, but for BOS, are in no prompt. */
const promptOf = (text: string) => {
  const tokens = whole(text);
  const plain = [...engine.tokenize(text, { parseSpecial: true })];
  return tokens.slice(0, tokens.indexOf(plain[0]!) + plain.length);
};

describe("candidates behind a text", () => {
  const sets: [string, string[]][] = [
    ["Is a fever of 41 °C dangerous? Answer:", [" yes", " no", "yes", "no"]],
    ["The answer is ", ["A", "B", "C", "D", "E"]],
    ["The patient has a fev", ["er", "ers", "er and a cough", "!"]],
    ["USER: Hello\nASSISTANT:", [" I am", " I am a tiny", "</s>", "\n", "😀"]],
  ];

  it.each(sets)("%s", async (prompt, candidates) => {
    const result = await engine.score({ prompt, candidates });
    const read = common([promptOf(prompt), ...candidates.map((text) => [...promptOf(prompt + text)])]);
    expect(result.usage.promptTokens).toBeLessThanOrEqual(promptOf(prompt).length);
    expect(result.candidates.map(({ text }) => text)).toEqual(candidates);
    const start = promptOf(prompt).slice(0, result.usage.promptTokens);
    expect(start.length).toBeGreaterThanOrEqual(read.length);
    for (const scored of result.candidates) await expectForced(start, scored);
    const total = result.candidates.reduce((sum, { probability }) => sum + probability, 0);
    expect(total).toBeCloseTo(1, 6);
    const [a, b] = result.candidates;
    expect(a!.probability / b!.probability).toBeCloseTo(Math.exp(a!.logprob - b!.logprob), 6);
  });

  it("are likelier the shorter they are, where one is the beginning of another", async () => {
    const { candidates } = await engine.score({
      prompt: "USER: Hello\nASSISTANT:",
      candidates: [" I", " I am", " I am a"],
    });
    expect(candidates[0]!.logprob).toBeGreaterThan(candidates[1]!.logprob);
    expect(candidates[1]!.logprob).toBeGreaterThan(candidates[2]!.logprob);
  });

  it("may be token ids, and the prompt, too", async () => {
    const prompt = promptOf("What is a fever?");
    const ids = [[5, 6, 7], Int32Array.of(8), [9]];
    const { candidates, usage } = await engine.score({ prompt, candidates: ids });
    expect(usage.promptTokens).toBe(prompt.length);
    expect(candidates.map(({ tokenIds }) => tokenIds)).toEqual([[5, 6, 7], [8], [9]]);
    expect(candidates.map(({ text }) => text)).toEqual(ids.map((each) => engine.detokenize(each, { special: true })));
    for (const scored of candidates) await expectForced(prompt, scored);
  });
});

describe("candidates for an answer", () => {
  const messages = user("Is water wet?");

  it("stand where the template lets the answer begin", async () => {
    const { candidates, usage } = await engine.score({ messages, candidates: ["Yes", "No", "I am a model"] });
    const { prompt } = engine.applyChatTemplate(messages);
    const text = await engine.score({ prompt, candidates: ["Yes", "No", "I am a model"] });
    expect(candidates.map(({ logprob }) => logprob)).toEqual(text.candidates.map(({ logprob }) => logprob));
    expect(usage.promptTokens).toBe(text.usage.promptTokens);
    for (const scored of candidates) await expectForced(promptOf(prompt).slice(0, usage.promptTokens), scored);
  });

  it("follow images, which are read once", async () => {
    const chat = { messages: user("What is it?"), images: [png] };
    const ask = { ...chat, candidates: ["a card", "red", "Red", "r"] };
    const { candidates, usage } = await engine.score(ask);
    expect(usage.imageTokens).toBeGreaterThan(0);
    const again = await engine.score({ ...ask, images: [readFileSync(png)] });
    expect(again.usage.imagesCached).toBe(1);
    expect(again.candidates).toEqual(candidates);
    // Drawn by force, with the image in the prompt.
    for (const { tokenIds, tokenLogprobs, text } of candidates.slice(2)) {
      const grammar = `root ::= ${JSON.stringify(text)}`;
      const { logprobs } = await engine.chat({ ...chat, sampling: greedy, grammar, nProbs: 1 }).result;
      const same = logprobs!.slice(0, tokenIds.length).every(({ id }, i) => id === tokenIds[i]);
      if (same) tokenLogprobs.forEach((value, i) => expect(value).toBeCloseTo(logprobs![i]!.logprobBefore, 3));
      expect(same || tokenIds.length > 1).toBe(true);
    }
  });

  it("of a session go on from what it has computed, and are not said", async () => {
    using session = engine.session({ system: "You are a careful doctor." });
    await session.chat({ content: "What is gout?", sampling: greedy, nPredict: 20 }).result;
    const before = session.messages;
    const candidates = ["Yes", "No", "Maybe so"];
    const scored = await session.score({ content: "Does it hurt?", candidates });
    const alone = await engine.score({
      messages: [...before, ...user("Does it hurt?")],
      candidates,
      cacheSalt: "other",
    });
    expect(session.messages).toEqual(before);
    expect(scored.usage.cachedTokens).toBeGreaterThan(scored.usage.promptTokens / 2);
    expect(alone.usage.cachedTokens).toBe(0);
    scored.candidates.forEach(({ logprob, tokenIds }, i) => {
      expect(tokenIds).toEqual(alone.candidates[i]!.tokenIds);
      expect(logprob).toBeCloseTo(alone.candidates[i]!.logprob, 3);
    });
    await session.chat({ content: "Thank you", sampling: greedy, nPredict: 2 }).result;
  });
});

it("many at once, beside answers, are what each is alone", async () => {
  const ask = (i: number) => ({
    prompt: `Case ${i}. The patient has a`,
    candidates: [" fever", " cough and a fever", " rash"],
  });
  const alone: ScoreResult[] = [];
  for (let i = 0; i < 12; i++) alone.push(await engine.score(ask(i)));
  const beside = Array.from({ length: 4 }, (_, i) => engine.complete({ prompt: `${i}`, nPredict: 40, ignoreEos: true }).result); // prettier-ignore
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => engine.score(ask(i))));
  all.forEach(({ candidates }, i) =>
    candidates.forEach(({ logprob }, k) => expect(logprob).toBeCloseTo(alone[i]!.candidates[k]!.logprob, 2)),
  );
  await Promise.all(beside);
  expect(engine.stats().running).toBe(0);
});

describe("a score is refused", () => {
  const prompt = "The answer is";
  it.each([
    ["without a prompt", { candidates: ["a"] }, /^engine\.score: messages/],
    ["with two", { prompt, messages: user("a"), candidates: ["a"] }, /^engine\.score: prompt stands for messages/],
    ["without candidates", { prompt }, /^engine\.score: candidates is missing/],
    ["with none", { prompt, candidates: [] }, /a list of candidates, at least one/],
    ["with an empty one", { prompt, candidates: ["a", ""] }, /candidates\[1\] must be a text that is not empty/],
    ["with an empty list", { prompt, candidates: [[]] }, /candidates\[0\] must not be empty/],
    ["with one twice", { prompt, candidates: ["a", "b", "a"] }, /candidates must not hold one twice/],
    ["with a token that is not there", { prompt, candidates: [[10_000_000]] }, /every token of a candidate/],
    ["with options of an answer", { prompt, candidates: ["a"], nPredict: 5 }, /nPredict is unknown/],
    ["with too many", { prompt, candidates: Array.from({ length: 257 }, (_, i) => `${i}`) }, /at most 256/],
  ])("%s", async (_what, options, message) => {
    const error = await errorOf(engine.score(options as never));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toMatch(message);
  });

  it("where it is aborted, and where the engine is closed", async () => {
    const ask = { prompt, candidates: ["a", "b c d"] };
    expect((await errorOf(engine.score({ ...ask, signal: AbortSignal.abort() }))).code).toBe("ABORTED");
    const controller = new AbortController();
    const running = errorOf(engine.score({ ...ask, signal: controller.signal }));
    controller.abort();
    expect((await running).message).toBe("engine.score was aborted");
    const other = await loadTiny();
    const busy = errorOf(other.complete({ prompt, nPredict: -1, ignoreEos: true }).result);
    const last = errorOf(other.score({ ...ask, prompt: "a long text ".repeat(400) }));
    await other.close();
    expect((await busy).code).toBe("CLOSED");
    expect((await last).code).toBe("CLOSED");
    expect((await errorOf(other.score(ask))).code).toBe("CLOSED");
  });
});
