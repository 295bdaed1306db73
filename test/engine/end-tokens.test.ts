import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { randomModel, vocabularyFile } from "../support/random-model.mjs";

/** A model of next to nothing with one of llama.cpp's vocabularies. */
const withVocabulary = (name: string) =>
  randomModel("llama", { vocab: vocabularyFile(name), embd: 32, layers: 1, heads: 2, "kv-heads": 2, ff: 32 });

describe("a vocabulary that has </s> as ordinary text, as Qwen2.5's", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ model: withVocabulary("qwen2"), mmproj: null, device: "cpu" });
  });
  afterAll(() => engine.close());

  test("says in info what ends a turn and what only looks like it", () => {
    expect(engine.info.endTokens).toEqual([
      { id: 128247, text: "</s>", ends: false },
      { id: 151643, text: "<|endoftext|>", ends: true },
      { id: 151645, text: "<|im_end|>", ends: true },
    ]);
  });

  test("reads it as text in a prompt, in every way that text comes in", async () => {
    const text = "<s>150 mg</s> 75 mg";
    const plain = await engine.tokenize(text, { addSpecial: false, parseSpecial: false });
    const special = await engine.tokenize(text, { addSpecial: false, parseSpecial: true });
    expect(special).toEqual(plain);
    const request = { prompt: text, nPredict: 1, addSpecial: false };
    const { usage } = await engine.complete(request).result;
    expect(usage.promptTokens).toBe(plain.length);
    expect(await engine.detokenize(special)).toBe(text);
  });

  test("does not end an answer at it", async () => {
    const grammar = 'root ::= "a </s> b"';
    const { text, finishReason } = await engine.complete({ prompt: "x", grammar, sampling: { temperature: 0 } }).result;
    expect({ text, finishReason }).toEqual({ text: "a </s> b", finishReason: "eos" });
  });
});

test.each([
  ["llama-spm", { "</s>": true }],
  ["phi-3", { "</s>": false, "<|endoftext|>": true, "<|end|>": true }],
  ["gemma-4", { "<eos>": true, "<|tool_response>": true, "<turn|>": true, "</s>": false }],
  ["llama-bpe", { "<|end_of_text|>": true, "<|eot_id|>": true }],
])("what ends a turn in the vocabulary %s", async (vocabulary, wanted) => {
  const engine = await Engine.load({ model: withVocabulary(vocabulary), mmproj: null, device: "cpu" });
  expect(Object.fromEntries(engine.info.endTokens.map(({ text, ends }) => [text, ends]))).toEqual(wanted);
  await engine.close();
});
