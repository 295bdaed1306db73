/** `suffix` of POST /v1/completions, with a vocabulary that has tokens for infill. */
import { expect, test } from "vitest";

import { randomModel, vocabularyFile } from "../../../test/support/random-model.mjs";
import { post, postJson, running, type Json } from "./support/running.js";

const file = randomModel("llama", { vocab: vocabularyFile("starcoder"), embd: 32, layers: 1 });
const { url, server } = running({
  models: [{ name: "fill", model: file, mmproj: null, nThreads: 1, nCtx: 512, keepLoaded: true }],
});
const path = () => `${url()}/v1/completions`;
const prefix = "def dose(weight):\n    return ";
const suffix = "\n\nprint(dose(70))";
const greedy = { model: "fill", temperature: 0, max_tokens: 6, ignoreEos: true };

test("what stands between prompt and suffix is asked for, the prompt as text or as token ids", async () => {
  const engine = server().service.models.find("fill").engine!;
  const { text, usage } = await engine.complete({
    inputPrefix: prefix,
    inputSuffix: suffix,
    sampling: { temperature: 0 },
    nPredict: 6,
    ignoreEos: true,
  }).result;
  for (const prompt of [prefix, [...engine.tokenize(prefix)], [prefix, prefix]]) {
    const answer = await postJson(path(), { ...greedy, prompt, suffix });
    for (const choice of answer.choices) expect(choice.text).toBe(text);
    expect(answer.usage.prompt_tokens).toBe(usage.promptTokens * answer.choices.length);
  }
  const plain = await postJson(path(), { ...greedy, prompt: prefix });
  expect(plain.usage.prompt_tokens).toBeLessThan(usage.promptTokens);
});

test.each([
  [{ echo: true }, "echo"],
  [{ inputPrefix: "x" }, "suffix"],
])("%j beside it is refused", async (more, param) => {
  const response = await post(path(), { ...greedy, prompt: prefix, suffix, ...more });
  const { error } = (await response.json()) as Json;
  expect([response.status, error.param]).toEqual([400, param]);
});
