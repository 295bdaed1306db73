// A draft model shows in the usage alone: the texts are those without.
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { Engine, type CompleteOptions } from "medinfer";

import { cachedFile } from "../support/cached-file.mjs";
import { deepenGguf } from "../support/gguf.mjs";
import { fromRoot } from "../support/paths.mjs";
import { smallModel, tinyModel } from "../support/random-model.mjs";

const words = (n: number, seed = 0) => Array.from({ length: n }, (_, i) => `mi${"aeiou"[(i + seed) % 5]}k`).join(" ");

/** With the draft model's vocabulary, and a dozen times its work. */
const slow = () => tinyModel({ layers: 24 });

describe("a draft model", () => {
  const kinds: Record<string, Partial<CompleteOptions>> = {
    greedy: { sampling: { temperature: 0, repeatPenalty: 1 } },
    seeded: { sampling: { temperature: 0.8, seed: 3 } },
    "three of them": { n: 3, sampling: { temperature: 0.8, seed: 5 } },
  };

  // What the small one costs is little beside the other, so that it is asked, however seldom it is right.
  test.each(Object.entries(kinds))("changes no text: %s", async (_, options) => {
    await using engine = await Engine.load({ model: slow(), draft: tinyModel(), nCtx: 4096, batchSize: 4 });
    expect(engine.info.draft).toMatch(/llama/);
    const answers = (maxDraftTokens: number) =>
      Promise.all(
        Array.from({ length: 6 }, (_, i) => {
          const prompt = words(30 + 20 * i, i);
          return engine.complete({ prompt, nPredict: 40, ignoreEos: true, ...options, maxDraftTokens }).result;
        }),
      );
    const plain = await answers(0);
    const drafted = await answers(16);
    const shown = (all: typeof plain) => all.map(({ text, choices }) => [text, choices?.map((each) => each.text)]);
    expect(shown(drafted)).toEqual(shown(plain));
    for (const { usage } of plain) expect(usage.draftTokens).toBe(0);
  });

  test("is given up where it is wrong", async () => {
    const drafted = async (draft?: string) => {
      await using engine = await Engine.load({ model: slow(), draft, nCtx: 4096, batchSize: 1 });
      const ask = { prompt: "mik", nPredict: 200, ignoreEos: true, sampling: { temperature: 5, topK: 0, seed: 1 } };
      const { text, usage } = await engine.complete(ask).result;
      return { text, ...usage };
    };
    const [without, beside] = [await drafted(), await drafted(tinyModel())];
    expect(beside.text).toBe(without.text);
    // What it says of such answers is mostly wrong.
    expect(beside.draftTokens).toBeLessThan(200);
  });

  test("spares a pass with every token that it is right about", async () => {
    // The draft model's answers, at 24 times its cost.
    const model = cachedFile("tiny-deep.gguf", deepenGguf(readFileSync(tinyModel()), 24));
    const ask = async (draft?: string) => {
      await using engine = await Engine.load({ model, draft, nCtx: 4096, batchSize: 1 });
      const sampling = { temperature: 0, repeatPenalty: 1 };
      const { text } = await engine.complete({ prompt: "mik", nPredict: 150, ignoreEos: true, sampling }).result;
      const { steps, draftTokens, acceptedTokens } = engine.stats();
      return { text, steps, draftTokens, acceptedTokens };
    };
    const [without, beside] = [await ask(), await ask(tinyModel())];
    expect(beside.text).toBe(without.text);
    // How much is guessed hangs on what passes take; nothing of it was wrong.
    expect(without.draftTokens).toBe(0);
    expect(beside.acceptedTokens).toBe(beside.draftTokens);
    expect(beside.steps).toBe(without.steps - beside.acceptedTokens);
  });

  test("says nothing of images, and answers about them are the same", async () => {
    const model = fromRoot("models", "medinfer-tiny.gguf");
    await using engine = await Engine.load({ draft: model, nCtx: 4096 });
    const image = fromRoot("examples", "prescriptions", "00000.png");
    const ask = (maxDraftTokens: number) =>
      engine.chat({
        messages: [
          {
            role: "user",
            content: [
              { type: "image", image },
              { type: "text", text: "What is it?" },
            ],
          },
        ],
        nPredict: 30,
        sampling: { temperature: 0 },
        maxDraftTokens,
      }).result;
    expect((await ask(16)).text).toBe((await ask(0)).text);
  });

  test.each([
    ["a file that is not there", { draft: "/nowhere.gguf" }, "MODEL_NOT_FOUND", "draft /nowhere.gguf"],
    ["another vocabulary", { draft: smallModel() }, "INVALID_ARGUMENT", "has another vocabulary"],
    [
      "another task",
      { task: "embed" as const, draft: tinyModel() },
      "INVALID_ARGUMENT",
      'draft is for task "generate"',
    ],
  ])("is refused: %s", async (_, options, code, message) => {
    await expect(Engine.load({ model: tinyModel(), mmproj: null, ...options })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });
});
