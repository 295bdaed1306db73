/** Prompts as token ids. */
import type { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { errorOf, greedy, loadTiny } from "./support/engines.js";

const png = fromRoot("test", "fixtures", "images", "rgb.png");

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny();
});
afterAll(() => engine.close());

const options = { sampling: greedy, nPredict: 12, ignoreEos: true };

describe("a prompt of token ids", () => {
  it("is the text that has these tokens, in either form", async () => {
    const texts = ["What is a fever?", "USER: Hello\nASSISTANT:", "</s><s> twice", "Müller, 37.5 °C"];
    for (const prompt of texts) {
      const tokens = engine.tokenize(prompt, { parseSpecial: true });
      const said = await engine.complete({ prompt, ...options }).result;
      for (const ids of [tokens, [...tokens]]) {
        const result = await engine.complete({ prompt: ids, ...options }).result;
        expect(result.text).toBe(said.text);
        expect(result.usage.promptTokens).toBe(said.usage.promptTokens);
      }
    }
  });

  it("has one BOS token where it is wanted, and none where it is not", async () => {
    const count = async (prompt: Int32Array, addSpecial: boolean) =>
      (await engine.complete({ prompt, addSpecial, ...options, nPredict: 1 }).result).usage.promptTokens;
    const plain = engine.tokenize("fever", { addSpecial: false });
    const withBos = engine.tokenize("fever", { addSpecial: true });
    const added = withBos.length - plain.length;
    expect(await count(plain, false)).toBe(plain.length);
    expect(await count(plain, true)).toBe(plain.length + added);
    expect(await count(withBos, true)).toBe(withBos.length);
  });

  it("stands behind its images", async () => {
    const tokens = engine.tokenize(" What?", { addSpecial: false });
    const said = await engine.complete({ prompt: " What?", images: [png], ...options }).result;
    const result = await engine.complete({ prompt: tokens, images: [png], ...options }).result;
    expect(result.text).toBe(said.text);
    expect(result.usage).toMatchObject({ imageTokens: said.usage.imageTokens, promptTokens: said.usage.promptTokens });
  });

  it("shares the prefix cache with the text, and does not follow later changes of its array", async () => {
    const text = "A patient reports pain of two weeks' duration. ".repeat(8);
    await engine.complete({ prompt: text, ...options, cacheSalt: "ids" }).result;
    const tokens = engine.tokenize(text, { addSpecial: true });
    const generation = engine.complete({ prompt: tokens, ...options, cacheSalt: "ids" });
    tokens.fill(1);
    const { usage } = await generation.result;
    expect(usage.cachedTokens).toBeGreaterThan(usage.promptTokens / 2);
  });

  it("that fills the context is refused as a text is", async () => {
    const prompt = new Int32Array(5000).fill(engine.tokenize("a")[0]!);
    expect((await errorOf(engine.complete({ prompt }).result)).code).toBe("CONTEXT_FULL");
  });

  it.each<[string, unknown]>([
    ["an id behind the vocabulary", [1, 10_000_000]],
    ["a negative id", Int32Array.of(-1)],
    ["half an id", [1, 1.5]],
    ["a text among ids", [1, "a"]],
    ["ids of another type", Float32Array.of(1)],
    ["none", []],
    ["none, typed", new Int32Array()],
  ])("is refused with %s", async (_what, prompt) => {
    const error = await errorOf(engine.complete({ prompt } as never).result);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toMatch(/prompt/);
  });

  it("is none of chat's", async () => {
    const error = await errorOf(engine.chat({ messages: [{ role: "user", content: [1, 2] }] } as never).result);
    expect(error.code).toBe("INVALID_ARGUMENT");
  });
});
