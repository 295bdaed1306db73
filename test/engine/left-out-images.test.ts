// An image whose embeddings are gone is encoded again only where its keys and values are gone as well.
import { describe, expect, test } from "vitest";

import { Engine, type ChatOptions, type GenerationResult, type LoadOptions } from "medinfer";

import { fromRoot } from "../support/paths.mjs";
import { tinyPairs } from "../support/random-model.mjs";

const pages = ["00000", "00001", "00002", "00003"].map((name) => fromRoot("examples", "prescriptions", `${name}.png`));
const user = (text: string, ...images: string[]) => ({
  role: "user" as const,
  content: [...images.map((image) => ({ type: "image" as const, image })), { type: "text" as const, text }],
});
const reading = (images: string[], options: Partial<ChatOptions> = {}): ChatOptions => ({
  messages: [user("What is this?", ...images)],
  nPredict: 24,
  ignoreEos: true,
  sampling: { temperature: 0 },
  ...options,
});

// An embedding is in its cache no longer than it is needed.
const load = (options: LoadOptions = {}) => Engine.load({ nCtx: 4096, imageCacheBytes: 1, ...options });
const ask = (engine: Engine, options: ChatOptions) => engine.chat(options).result;
const seen = ({ text, usage }: GenerationResult) => ({ text, images: usage.imagesCached });
// Room for one page at a time.
const small: LoadOptions = { nCtx: 1024, nCtxPerRequest: 1024, batchSize: 2 };
const gone = { hostCacheBytes: 0 };

describe("an image whose embeddings are gone", () => {
  test("is not encoded again where its keys and values are there", async () => {
    await using engine = await load();
    const first = await ask(engine, reading(pages.slice(0, 1)));
    const again = engine.chat(reading(pages.slice(0, 1)));
    const encode: unknown[] = [];
    for await (const event of again) if (event.type === "encode") encode.push([event.images, event.cached]);
    const second = await again.result;
    expect(seen(first)).toEqual({ text: second.text, images: 0 });
    expect(seen(second)).toEqual({ text: first.text, images: 1 });
    expect(encode).toEqual([[1, 1]]);
    expect(second.usage.cachedTokens).toBe(second.usage.promptTokens - 1);
    expect(engine.stats()).toMatchObject({ imagesEncoded: 1, imageCacheHits: 1, imageCacheBytes: 0 });
  });

  test("is encoded again for another tenant, and for a question before it", async () => {
    await using engine = await load();
    const first = await ask(engine, reading(pages.slice(0, 1)));
    expect(seen(await ask(engine, reading(pages.slice(0, 1), { cacheSalt: "other" })))).toEqual(seen(first));
    expect(engine.stats()).toMatchObject({ imagesEncoded: 2, imageCacheHits: 0 });
    const messages = [user("Read the next one"), { role: "assistant" as const, content: "Yes" }];
    const other = await ask(engine, reading([], { messages: [...messages, user("What is this?", pages[0]!)] }));
    expect(other.usage.imagesCached).toBe(0);
    expect(engine.stats()).toMatchObject({ imagesEncoded: 3, imageCacheHits: 0 });
  });

  test("is left out beside one that is new", async () => {
    await using engine = await load();
    const messages = [user("What is this?", pages[0]!)];
    const { text } = await ask(engine, reading([], { messages }));
    const next = [...messages, { role: "assistant" as const, content: text }, user("And this?", pages[1]!)];
    const both = await ask(engine, reading([], { messages: next }));
    expect(both.usage.imagesCached).toBe(1);
    expect(engine.stats()).toMatchObject({ imagesEncoded: 2, imageCacheHits: 1 });
    await using fresh = await Engine.load({ nCtx: 4096 });
    expect((await ask(fresh, reading([], { messages: next }))).text).toBe(both.text);
  });

  test.each([
    ["nothing keeps its cells", { ...small, kv: gone }, 0],
    ["host memory keeps its cells", small, 1],
  ])("%s", async (_, options, cached) => {
    await using engine = await load(options);
    const first: GenerationResult[] = [];
    for (const page of pages) first.push(await ask(engine, reading([page])));
    for (const [i, page] of pages.slice(0, 3).entries()) {
      expect(seen(await ask(engine, reading([page])))).toEqual({ text: first[i]!.text, images: cached });
    }
    expect(engine.stats()).toMatchObject({ imagesEncoded: cached ? 4 : 7, imageCacheHits: cached ? 3 : 0 });
  });

  test("is not left out of what needs the whole prompt computed", async () => {
    await using engine = await load();
    await ask(engine, reading(pages.slice(0, 1)));
    const { promptLogprobs, usage } = await ask(engine, reading(pages.slice(0, 1), { promptLogprobs: 1 }));
    expect(promptLogprobs?.length).toBeGreaterThan(0);
    expect(usage).toMatchObject({ imagesCached: 0, cachedTokens: 0 });
    expect(engine.stats().imagesEncoded).toBe(2);
    const embedding = await engine.embedImage(pages[0]!);
    expect([embedding.cached, embedding.values.length]).toEqual([false, embedding.tokens * embedding.width]);
  });

  test("is none where no embedding is to be kept at all", async () => {
    await using engine = await load({ imageCacheBytes: 0 });
    for (let i = 0; i < 2; ++i) expect((await ask(engine, reading(pages.slice(0, 1)))).usage.imagesCached).toBe(0);
    expect(engine.stats()).toMatchObject({ imagesEncoded: 2, imageCacheHits: 0 });
  });

  test("can be given up while it is encoded again", async () => {
    await using engine = await load({ ...small, kv: gone });
    for (const page of pages) await ask(engine, reading([page]));
    for (let i = 0; i < 5; ++i) {
      const controller = new AbortController();
      const stream = engine.chat(reading([pages[i % 3]!], { n: 2, signal: controller.signal }));
      setTimeout(() => controller.abort(), 5 * i);
      await expect(stream.result.then(() => "ended"))
        .resolves.toBe("ended")
        .catch((error: unknown) => error);
    }
    const { text } = await ask(engine, reading([pages[0]!]));
    await using fresh = await Engine.load(small);
    expect((await ask(fresh, reading([pages[0]!]))).text).toBe(text);
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0, encoding: 0 });
  });

  test.each(Object.entries(tinyPairs))("many at once in a small pool answer as one alone: %s", async (_, pair) => {
    const sizes = {
      ...pair(),
      chatTemplate: "chatml" as const,
      nCtx: 1024,
      nCtxPerRequest: 1024,
      batchSize: 3,
      nThreads: 1,
    };
    const all = [0, 1, 2, 0, 1, 3, 0, 2, 1, 0].map((page, i) =>
      reading([pages[page]!], { n: i % 4 === 3 ? 2 : 1, nPredict: 40, sampling: { temperature: 0.8, seed: page } }),
    );
    const texts = (results: GenerationResult[]) => results.map((result) => result.choices?.map(({ text }) => text));
    await using alone = await Engine.load({ ...sizes, kv: { prefixCache: false } });
    const expected: GenerationResult[] = [];
    for (const each of all) expected.push(await ask(alone, each));
    await using engine = await load({ ...sizes, kv: { hostCacheBytes: 2 ** 16 } });
    expect(texts(await Promise.all(all.map((each) => ask(engine, each))))).toEqual(texts(expected));
    for (const each of all.slice(0, 3)) await ask(engine, each);
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0, encoding: 0 });
  });
});
