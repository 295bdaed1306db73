// Prediction heads show in the usage alone: the texts are those without.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { Engine, type CompleteOptions, type LoadOptions } from "medinfer";

import { cachedFile } from "../support/cached-file.mjs";
import { withSureHead } from "../support/gguf.mjs";
import { fromRoot } from "../support/paths.mjs";
import { randomModel, tinyMmproj, tinyModel } from "../support/random-model.mjs";

const words = (n: number, seed = 0) => Array.from({ length: n }, (_, i) => `mi${"aeiou"[(i + seed) % 5]}k`).join(" ");

/** Some layers, so that a head of one is worth asking. */
const shape = { type: "f32", layers: 6 };
const random = (kind: string) => randomModel(kind, shape);
/** Its answers are sure, and so is its head of them. */
const sure = (options: Record<string, string | number> = {}) => {
  const model = randomModel("glm4moe", { ...shape, "logit-scale": 12, ...options });
  return cachedFile(`${path.basename(model, ".gguf")}-sure.gguf`, withSureHead(readFileSync(model)));
};

const load = (options: LoadOptions) =>
  Engine.load({ mmproj: null, nCtx: 4096, batchSize: 4, nThreads: 1, kv: { type: "f32" }, device: "cpu", ...options });

const greedy = { sampling: { temperature: 0, repeatPenalty: 1 } };
const kinds: Record<string, Partial<CompleteOptions>> = {
  greedy,
  seeded: { sampling: { temperature: 0.8, seed: 3 } },
  "three of them": { n: 3, sampling: { temperature: 0.8, seed: 5 } },
  "under a grammar": { grammar: 'root ::= ("mi" [aeiou] "k ")+', ...greedy },
};

/** Several prompts at once, and then once more, when they are cached. */
async function answers(engine: Engine, options: Partial<CompleteOptions>) {
  const round = () =>
    Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        const prompt = words(30 + 20 * i, i);
        const result = await engine.complete({ prompt, nPredict: 24, ignoreEos: true, ...options }).result;
        return [result.text, result.choices?.map((each) => each.text)];
      }),
    );
  return [...(await round()), ...(await round())];
}

describe("prediction heads", () => {
  describe.each(["glm4moe", "hy_v3", "deepseek2"])("of %s", (kind) => {
    test.each(Object.entries(kinds))("change no text: %s", async (_, options) => {
      await using without = await load({ model: random(kind), heads: false });
      await using beside = await load({ model: random(kind) });
      expect(without.info.heads).toBe(false);
      expect(beside.info.heads).toBe(true);
      expect(beside.info.draft).toBe("");
      expect(await answers(beside, options)).toEqual(await answers(without, options));
    });
  });

  // Of a shape where a token more in a pass costs little.
  test("spare a pass with every token that they are right about", async () => {
    const model = sure({ type: "q8_0", layers: 16, embd: 256, vocab: "words:2000" });
    const ask = async (heads: boolean) => {
      await using engine = await load({ model, heads, batchSize: 1 });
      const texts = [];
      for (const prompt of ["ba", "ca", "da", "fa", "ga", "ka"]) {
        texts.push((await engine.complete({ prompt, nPredict: 40, ignoreEos: true, ...greedy }).result).text);
      }
      return { texts, ...engine.stats() };
    };
    const [without, beside] = [await ask(false), await ask(true)];
    expect(beside.texts).toEqual(without.texts);
    expect(beside.acceptedTokens).toBeGreaterThan(without.acceptedTokens);
    expect(beside.acceptedTokens).toBe(beside.draftTokens);
    expect(beside.steps).toBe(without.steps + without.acceptedTokens - beside.acceptedTokens);
  });

  test("change no text where requests give way to others", async () => {
    const ask = async (heads: boolean, swapBytes: number) => {
      await using engine = await load({
        model: sure(),
        heads,
        nCtx: 512,
        kv: { type: "f32", pageSize: 16, swapBytes },
      });
      const results = Array.from({ length: 4 }, (_, i) => {
        const sampling = { temperature: 0.3, seed: i };
        return engine.complete({ prompt: words(40, i), nPredict: 150, ignoreEos: true, sampling }).result;
      });
      const texts = (await Promise.all(results)).map(({ text }) => text);
      return { texts, ...engine.stats() };
    };
    const without = await ask(false, 0);
    for (const swapBytes of [0, 1 << 24]) {
      const beside = await ask(true, swapBytes);
      expect(beside.preemptions).toBeGreaterThan(0);
      expect(beside.texts).toEqual(without.texts);
      expect(beside.acceptedTokens).toBeGreaterThan(0);
    }
  });

  test("go on from pages that host memory gives back", async () => {
    const ask = async (heads: boolean) => {
      const kv = { type: "f32" as const, pageSize: 16 as const, hostCacheBytes: 1 << 26 };
      await using engine = await load({ model: sure(), heads, nCtx: 256, batchSize: 1, kv });
      const texts = [];
      // The others drive the first out of the pool.
      for (const seed of [0, 1, 2, 3, 0]) {
        const prompt = `${seed} ${words(60, seed)}`;
        texts.push((await engine.complete({ prompt, nPredict: 50, ignoreEos: true, ...greedy }).result).text);
      }
      return { texts, restored: engine.stats().kv.tokensRestored };
    };
    const [without, beside] = [await ask(false), await ask(true)];
    expect(beside.texts).toEqual(without.texts);
    expect(beside.restored).toBeGreaterThan(0);
  });

  test("are saved with sessions, which go on with heads alone", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "medinfer-heads-"));
    try {
      const file = path.join(folder, "talk.session");
      const model = sure();
      const turn = { nPredict: 20, ignoreEos: true, ...greedy };
      const chatTemplate = "chatml";
      await using first = await load({ model, chatTemplate });
      const talk = first.session();
      await talk.chat({ content: words(20), ...turn }).result;
      await talk.save(file);
      const onwards = { content: "mak", ...turn };
      const { text } = await talk.chat(onwards).result;
      await using second = await load({ model, chatTemplate });
      await using restored = await second.restoreSession(file);
      expect((await restored.chat(onwards).result).text).toBe(text);
      await using without = await load({ model, heads: false, chatTemplate });
      await expect(without.restoreSession(file)).rejects.toMatchObject({ code: "BAD_SESSION" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("say nothing of images, and answers about them are the same", async () => {
    const ask = async (heads: boolean) => {
      await using engine = await load({ model: random("hy_v3"), mmproj: tinyMmproj(), chatTemplate: "vicuna", heads });
      expect(engine.info).toMatchObject({ heads, vision: true });
      const image = fromRoot("examples", "prescriptions", "00000.png");
      const texts = [];
      for (const text of ["mek mik", "mek mak mok"]) {
        const content = [
          { type: "text" as const, text: words(20) },
          { type: "image" as const, image },
          { type: "text" as const, text },
        ];
        const asked = { messages: [{ role: "user" as const, content }], nPredict: 30, ignoreEos: true, ...greedy };
        texts.push((await engine.chat(asked).result).text);
      }
      // What is before the image is shared with texts alone.
      const alone = { messages: [{ role: "user" as const, content: words(60) }], nPredict: 30, ignoreEos: true };
      texts.push((await engine.chat({ ...alone, ...greedy }).result).text);
      return texts;
    };
    expect(await ask(true)).toEqual(await ask(false));
  });

  test.each(["glm4moe", "hy_v3", "deepseek2"])("are not loaded where they are not wanted: %s", async (kind) => {
    const memory = async (options: LoadOptions) => {
      await using engine = await load({ model: random(kind), ...options });
      const { weights, kv } = engine.info.memory[0]!;
      return { weights, kv };
    };
    const [without, beside] = [await memory({ heads: false }), await memory({ heads: true })];
    expect(without.weights).toBeLessThan(beside.weights);
    // One layer of keys and values more.
    expect(beside.kv).toBe((without.kv * 7) / 6);
  });

  test("leave guessing to a draft model", async () => {
    await using engine = await load({ model: random("glm4moe"), draft: tinyModel() });
    expect(engine.info).toMatchObject({ heads: false, draft: expect.stringMatching(/llama/) as string });
  });

  test("are none of a model whose file has none", async () => {
    for (const model of [tinyModel(), randomModel("glm4moe", { ...shape, next: 0 })]) {
      await using engine = await load({ model });
      expect(engine.info.heads).toBe(false);
    }
  });

  test.each([
    ["a model without", { model: tinyModel() }, "INVALID_ARGUMENT", "no prediction heads"],
    ["a draft model beside them", { draft: tinyModel() }, "INVALID_ARGUMENT", "leave heads or draft out"],
    ["another task", { task: "embed" as const }, "INVALID_ARGUMENT", 'heads are for task "generate"'],
  ])("are refused: %s", async (_, options, code, message) => {
    await expect(load({ model: random("glm4moe"), heads: true, ...options })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });
});
