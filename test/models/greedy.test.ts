/** Real weights: what is likeliest here is what node-llama-cpp, on the same llama.cpp without our patches, draws. */
import { fork } from "node:child_process";
import { Engine } from "medinfer";
import { describe, expect, it } from "vitest";
import { nodeLlamaCpp } from "../support/node-llama-cpp.mjs";
import { smolLm2, smolLm2InF32 } from "./support/smollm2.mjs";
import { qwenCoder } from "./support/qwen-coder.mjs";

const QUESTIONS = [
  "What are the symptoms of anaemia?",
  "Explain in two sentences what an electrocardiogram shows.",
  "List three causes of chest pain.",
  "A patient weighs 70 kg and needs 15 mg per kg of a drug. How many milligrams is that?",
  "Write a short discharge note for a patient with a broken wrist.",
  "What does the abbreviation HbA1c stand for?",
  "Translate into French: the patient has a fever.",
  "Name the chambers of the heart.",
  "Why is insulin not taken by mouth?",
  "Write a JSON object with the keys name, dose and unit for aspirin 100 mg.",
  "How do vaccines work?",
  "What should be done about a nosebleed?",
];
const PREDICT = 64;

interface Parity {
  tokens: number;
  /** Positions where the peer's token is not the likeliest here. */
  others: number;
  /** By how much the likeliest is likelier than the peer's token at most, in nats. */
  furthest: number;
  /** Answers that are the same when each goes its own way. */
  same: number;
}

async function parity(file: string): Promise<Parity> {
  await using engine = await Engine.load({ model: file, device: "cpu", nThreads: 2, nCtx: 8192 });
  const prompts = QUESTIONS.map((content) => {
    const { prompt } = engine.applyChatTemplate([{ role: "user", content }]);
    return [...engine.tokenize(prompt, { parseSpecial: true })];
  });
  const theirs = await answersOf(file, prompts);
  const found: Parity = { tokens: 0, others: 0, furthest: 0, same: 0 };
  for (const [i, prompt] of prompts.entries()) {
    const answer = theirs[i]!;
    // Each token in its place, given the peer's tokens before it.
    const { promptLogprobs } = await engine.complete({
      prompt: [...prompt, ...answer],
      promptLogprobs: 1,
      nPredict: 1,
      sampling: { temperature: 0 },
    }).result;
    for (const token of promptLogprobs!.slice(prompt.length)) {
      found.tokens++;
      if (token!.top[0]!.id === token!.id) continue;
      found.others++;
      found.furthest = Math.max(found.furthest, token!.top[0]!.logprob! - token!.logprob!);
    }
    const { logprobs } = await engine.complete({
      prompt,
      nPredict: PREDICT,
      nProbs: 1,
      sampling: { temperature: 0 },
    }).result;
    const mine = logprobs!.map(({ id }) => id);
    if (mine.join() === answer.join()) found.same++;
  }
  console.log(JSON.stringify(found));
  return found;
}

function answersOf(model: string, prompts: number[][]): Promise<number[][]> {
  const entry = nodeLlamaCpp(console.error);
  if (entry === undefined) throw new Error("node-llama-cpp could not be installed");
  return new Promise((resolve, reject) => {
    const child = fork(new URL("./children/node-llama-cpp.mjs", import.meta.url));
    child.once("message", (answer) => resolve((answer as { tokens: number[][] }).tokens));
    child.once("exit", (code) => reject(new Error(`node-llama-cpp's process ended with ${code}`)));
    child.send({ entry, model, prompts, predict: PREDICT });
  });
}

describe("greedy answers, beside node-llama-cpp's", { timeout: 600_000 }, () => {
  it("are the same in F32, but for ties", async () => {
    const found = await parity(await smolLm2InF32());
    expect(found.tokens).toBeGreaterThan(400);
    expect(found.furthest).toBeLessThan(0.02);
    expect(found.same).toBeGreaterThan(QUESTIONS.length / 2);
  });

  // Activations are rounded to 8 bits, in another order: what is nearly as likely may come first.
  it.each([
    ["SmolLM2-135M-Instruct, Q4_1", smolLm2],
    ["Qwen2.5-Coder-0.5B-Instruct, Q4_K_M", qwenCoder],
  ])("are near by of %s", async (_, file) => {
    const found = await parity(await file());
    expect(found.tokens).toBeGreaterThan(400);
    expect(found.furthest).toBeLessThan(0.5);
    expect(found.others / found.tokens).toBeLessThan(0.05);
  });
});
