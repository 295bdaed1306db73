import { readFileSync } from "node:fs";
import { Engine } from "medinfer";
import { expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { randomModel, vocabularyFile } from "../support/random-model.mjs";

/** Made by wordpiece.py beside it. */
const stored = JSON.parse(readFileSync(fromRoot("test", "tokens", "wordpiece.json"), "utf8")) as {
  text: string;
  tokens: number[];
}[];

it("texts of many scripts have the tokens of Hugging Face's BERT tokenizer", async () => {
  const model = randomModel("bert", { pooling: "cls", vocab: vocabularyFile("bert-bge") });
  await using engine = await Engine.load({ model, task: "embed", device: "cpu" });
  expect(stored.length).toBeGreaterThan(300);
  for (const { text, tokens } of stored) expect([...engine.tokenize(text)], text).toEqual(tokens);
});
