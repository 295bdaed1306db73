// What is drafted ahead of the model shows in the usage alone: the texts are those without.
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { Engine, type ChatOptions, type GenerationResult, type JsonSchema } from "medinfer";

import { fromRoot } from "../support/paths.mjs";

const jsonSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8")) as JsonSchema;
const pages = ["00000", "00001", "00002", "00003"].map((name) => fromRoot("examples", "prescriptions", `${name}.png`));
const question = "Extract demografig, clinical disease and medication informations";

const read = (page: string, options: Partial<ChatOptions> = {}): ChatOptions => ({
  messages: [
    {
      role: "user",
      content: [
        { type: "image", image: page },
        { type: "text", text: options.jsonSchema ? `${question} as JSON` : question },
      ],
    },
  ],
  nPredict: 400,
  sampling: { temperature: 0 },
  ...options,
});

describe("drafts", () => {
  const kinds: Record<string, Partial<ChatOptions>> = {
    greedy: {},
    "as JSON": { jsonSchema },
    "seeded, as JSON, brought to its end": {
      jsonSchema,
      closeAtLimit: true,
      nPredict: 60,
      sampling: { temperature: 0.7, seed: 7 },
    },
    "seeded, with stops and a penalty": {
      stopStrings: ["Medication"],
      sampling: { temperature: 0.7, seed: 3, repeatPenalty: 1.2 },
    },
    "three of them": { n: 3, sampling: { temperature: 1, seed: 5 } },
    "with logprobs": { nProbs: 3 },
  };

  test.each(Object.entries(kinds))("change no text: %s", async (_, options) => {
    await using engine = await Engine.load({ batchSize: 4, nCtx: 8192 });
    const answers = async (maxDraftTokens: number) => {
      const all = pages.map((page) => engine.chat(read(page, { ...options, maxDraftTokens })).result);
      return Promise.all(all);
    };
    const plain = await answers(0);
    const drafted = await answers(16);
    const shown = (results: typeof plain) =>
      results.map(({ text, finishReason, choices, logprobs }) => ({
        text,
        finishReason,
        choices: choices?.map((choice) => choice.text),
        tokens: logprobs?.map(({ id }) => id),
      }));
    expect(shown(drafted)).toEqual(shown(plain));
    for (const { usage } of plain) expect(usage).toMatchObject({ draftTokens: 0, acceptedTokens: 0 });
    for (const { usage } of drafted) expect(usage.acceptedTokens).toBeLessThanOrEqual(usage.draftTokens);
  });

  test("are counted by request and by engine, and spare passes", async () => {
    await using engine = await Engine.load({ batchSize: 1, nCtx: 8192 });
    const rows: GenerationResult[] = [];
    for (const page of [...pages, ...pages]) rows.push(await engine.chat(read(page, { jsonSchema })).result);
    const sum = (of: (row: GenerationResult) => number) => rows.reduce((total, row) => total + of(row), 0);
    const accepted = sum(({ usage }) => usage.acceptedTokens);
    expect(accepted).toBeGreaterThan(0);
    const stats = engine.stats();
    expect(stats.acceptedTokens).toBe(accepted);
    expect(stats.draftTokens).toBe(sum(({ usage }) => usage.draftTokens));
    expect(stats.generatedTokens).toBe(sum(({ usage }) => usage.completionTokens));
    expect(stats.kvCellsUsed).toBe(0);
  });

  test("of an expected text begin with its beginning", async () => {
    await using engine = await Engine.load({ batchSize: 1, nCtx: 8192 });
    const plain = await engine.chat(read(pages[0]!, { maxDraftTokens: 0 })).result;
    const expected = await engine.chat(read(pages[0]!, { expectedText: plain.text })).result;
    expect(expected.text).toBe(plain.text);
    expect(expected.usage.acceptedTokens).toBeGreaterThan(0);
    const other = await engine.chat(read(pages[0]!, { expectedText: "Something else, entirely." })).result;
    expect(other.text).toBe(plain.text);
  });

  test("hold in a conversation", async () => {
    await using engine = await Engine.load({ batchSize: 1, nCtx: 8192 });
    const texts = async (maxDraftTokens: number) => {
      const session = engine.session({ cacheSalt: String(maxDraftTokens) });
      const said = [];
      for (const content of ["What is gout?", "What is gout?", "What is hypertension?", "What is gout?"]) {
        const options = { nPredict: 40, maxDraftTokens, sampling: { temperature: 0 } };
        said.push((await session.chat({ content, ...options }).result).text);
      }
      return said;
    };
    expect(await texts(16)).toEqual(await texts(0));
  });

  test.each([
    [{ maxDraftTokens: 33 }, "maxDraftTokens"],
    [{ maxDraftTokens: -1 }, "maxDraftTokens"],
    [{ maxDraftTokens: 1.5 }, "maxDraftTokens"],
    [{ expectedText: 5 }, "expectedText"],
  ])("are refused by name: %o", async (options, name) => {
    await using engine = await Engine.load();
    const wrong = { ...read(pages[0]!), ...options } as unknown as ChatOptions;
    await expect(engine.chat(wrong).result).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(name) as string,
    });
  });
});
