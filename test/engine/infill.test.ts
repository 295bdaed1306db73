/** Infill: what the model reads, in llama.cpp's order, with vocabularies that have its tokens and one that has not. */
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomModel, vocabularyFile } from "../support/random-model.mjs";
import { errorOf, greedy, loadTiny } from "./support/engines.js";

const modelOf = (name: string) => randomModel("llama", { vocab: vocabularyFile(name), embd: 32, layers: 1 });
const load = (model: string) => Engine.load({ model, mmproj: null, nThreads: 1, nCtx: 512 });

const prefix = "def dose(weight):\n    return ";
const suffix = "\n\nprint(dose(70))";

describe.each(["deepseek-coder", "refact", "starcoder"])("with the vocabulary of %s", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await load(modelOf(name));
  });
  afterAll(() => engine.close());

  /** The ids that the model reads. */
  const read = async (options: object) => {
    const result = await engine.complete({ sampling: greedy, nPredict: 1, promptLogprobs: true, ...options }).result;
    return result.promptLogprobs!.map((token) => token!.id);
  };
  const plain = (text: string) => [...engine.tokenize(text)];
  /** What the vocabulary puts before a prompt. */
  const bos = async () => {
    const [first, ...rest] = await read({ prompt: "a" });
    return rest.length === plain("a").length ? [first!] : [];
  };

  it("reads prefix, suffix, middle, or the suffix first", async () => {
    const { prefix: pre, suffix: suf, middle: mid } = engine.info.infill!;
    const text = (id: number) => engine.detokenize([id], { special: true });
    expect([text(pre), text(suf), text(mid)].every((marker) => /[<|]/.test(marker))).toBe(true);
    const begin = await bos();
    const before = [pre, ...plain(prefix)];
    const behind = [suf, ...plain(suffix)];
    const both = { inputPrefix: prefix, inputSuffix: suffix };
    expect(await read(both)).toEqual([...begin, ...before, ...behind, mid]);
    expect(await read({ ...both, suffixFirst: true })).toEqual([...begin, ...behind, ...before, mid]);
    expect(await read({ ...both, addSpecial: false })).toEqual([...before, ...behind, mid]);
    expect(await read({ inputPrefix: prefix })).toEqual([...begin, ...before, suf, mid]);
    expect(await read({ inputSuffix: suffix })).toEqual([...begin, pre, ...behind, mid]);
    const begun = [...plain(prefix + "weight * 2"), ...behind, mid];
    expect(await read({ ...both, prompt: "weight * 2" })).toEqual([...begin, pre, ...begun]);
    const ids = [5, 6];
    expect(await read({ ...both, prompt: ids })).toEqual([...begin, ...before, ...ids, ...behind, mid]);
  });

  it("takes control tokens in the texts for text", async () => {
    const { prefix: pre, suffix: suf, middle: mid } = engine.info.infill!;
    const said = engine.detokenize([mid], { special: true });
    const ids = await read({ inputPrefix: `a${said}b`, inputSuffix: said });
    expect(ids.filter((id) => id === mid)).toEqual([mid]);
    expect(ids.filter((id) => id === pre || id === suf)).toHaveLength(2);
    expect(ids).toEqual([...(await bos()), pre, ...plain(`a${said}b`), suf, ...plain(said), mid]);
  });

  it("generates, streams and is cached as every completion", async () => {
    const ask = { inputPrefix: prefix.repeat(4), inputSuffix: suffix, sampling: greedy, nPredict: 6, ignoreEos: true };
    const first = await engine.complete(ask).result;
    const second = await engine.complete({ ...ask, n: 2 }).result;
    expect(second.choices!.map(({ text }) => text)).toEqual([first.text, first.text]);
    expect(second.usage.cachedTokens).toBeGreaterThan(0);
  });
});

describe("infill is refused", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadTiny();
  });
  afterAll(() => engine.close());

  it("by a model without its tokens, by name", async () => {
    expect(engine.info.infill).toBeNull();
    for (const [option, given] of [
      ["inputPrefix", { inputPrefix: "a", inputSuffix: "b" }],
      ["inputSuffix", { inputSuffix: "b" }],
    ] as const) {
      const error = await errorOf(engine.complete(given).result);
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toMatch(
        new RegExp(`^engine\\.complete: ${option} needs a model with tokens for a prefix, a suffix and a middle`),
      );
    }
  });

  it("beside what it has no use for", async () => {
    const coder = await load(modelOf("starcoder"));
    const image = new Uint8Array(4);
    for (const [given, message] of [
      [{ inputPrefix: "a", images: [image] }, /images must be left out/],
      [{ inputPrefix: "a", prompt: [{ type: "image", image }] }, /prompt must be left out, or a text/],
      [{ inputPrefix: "a", echo: true }, /echo has no meaning/],
      [{ prompt: "a", suffixFirst: true }, /suffixFirst has no effect/],
      [{ inputPrefix: 5 }, /inputPrefix must be a string/],
      [{}, /^engine\.complete: prompt is missing/],
    ] as const) {
      expect((await errorOf(coder.complete(given as never).result)).message).toMatch(message);
    }
    await coder.close();
  });
});
