/** Limits of tokens for each image, and what is said of what the encoder saw. */
import { readFileSync } from "node:fs";
import { Engine, type GenerationEvent } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { tinyPairs } from "../support/random-model.mjs";
import { collect, errorOf, greedy, loadTiny, user } from "./support/engines.js";

const png = readFileSync(fromRoot("examples", "prescriptions", "00000.png"));
const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
const few = { sampling: greedy, nPredict: 2, ignoreEos: true };

describe("a projector that scales images to numbers of tokens", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ ...tinyPairs.qwen2vl(), nThreads: 1, nCtx: 2048, kv: { type: "f32" } });
  });
  afterAll(() => engine.close());

  const ask = (limits: object, more: object = {}) =>
    engine.complete({
      prompt: [
        { type: "image", image: png, ...limits },
        { type: "text", text: "a" },
      ],
      ...few,
      ...more,
    });

  it("reads each image within its limits, and says so", async () => {
    const own = await ask({}).result;
    expect(own.images).toHaveLength(1);
    expect(own.images![0]).toMatchObject({ width, height, tiles: 1, tokens: own.usage.imageTokens });
    const most = Math.floor(own.usage.imageTokens / 2);
    const events = await collect(ask({ maxTokens: most }));
    const { images, usage } = events.at(-1) as Extract<GenerationEvent, { type: "done" }>;
    expect(usage.imageTokens).toBeLessThanOrEqual(most);
    expect(images![0]!.tokens).toBe(usage.imageTokens);
    expect(images![0]!.seenWidth * images![0]!.seenHeight).toBeLessThan(
      own.images![0]!.seenWidth * own.images![0]!.seenHeight,
    );
    const encode = events.find((event) => event.type === "encode");
    expect(encode).toEqual({ type: "encode", images: 1, cached: 0, seen: images });
    const more = await ask({ minTokens: own.usage.imageTokens + 50 }).result;
    expect(more.usage.imageTokens).toBeGreaterThanOrEqual(own.usage.imageTokens + 50);
  });

  it("keeps images of different limits apart, in both caches", async () => {
    const whole = await ask({}, { nPredict: 8 }).result;
    const small = await ask({ maxTokens: 20 }, { nPredict: 8 }).result;
    const again = [await ask({}, { nPredict: 8 }).result, await ask({ maxTokens: 20 }, { nPredict: 8 }).result];
    expect(again.map(({ text }) => text)).toEqual([whole.text, small.text]);
    expect(again.map(({ usage }) => usage.imageTokens)).toEqual([whole.usage.imageTokens, small.usage.imageTokens]);
    expect(again.map(({ usage }) => usage.imagesCached)).toEqual([1, 1]);
    const both = await engine.complete({
      prompt: [
        { type: "image", image: png, maxTokens: 20 },
        { type: "image", image: png },
      ],
      ...few,
    }).result;
    expect(both.images!.map(({ tokens }) => tokens)).toEqual([small.usage.imageTokens, whole.usage.imageTokens]);
  });

  it("takes limits in chats, rows and sessions, and gives them to every choice", async () => {
    const content = [
      { type: "image" as const, image: png, maxTokens: 20 },
      { type: "text" as const, text: "What?" },
    ];
    const chat = { messages: [{ role: "user", content }], chatTemplate: "chatml", ...few };
    const { usage, images, choices } = await engine.chat({ ...chat, n: 2 }).result;
    expect(usage.imageTokens).toBeLessThanOrEqual(20);
    expect(choices!.map((choice) => choice.images)).toEqual([images, images]);
    using session = engine.session({ chatTemplate: "chatml" });
    await session.chat({ content, ...few }).result;
    const next = await session.chat({ content: "And?", ...few }).result;
    expect(next.images).toEqual(images);
    const rows = await collect(engine.annotate([{ image: png, prompt: "a" }], { chatTemplate: "chatml", ...few }));
    expect(rows[0]!.images![0]).toMatchObject({ width, height, tokens: rows[0]!.usage!.imageTokens });
  });

  it("takes them beside prompts, messages and rows as well", async () => {
    const small = { image: png, maxTokens: 20 };
    const tokens = [
      await engine.complete({ prompt: "a", images: [small], ...few }).result,
      await engine.complete({ prompt: [5, 6], images: [small], ...few }).result,
      await engine.chat({ messages: user("a"), images: [small], chatTemplate: "chatml", ...few }).result,
    ].map(({ images }) => images!.map((image) => image.tokens));
    const row = { image: small, images: [png], prompt: "a" };
    const [answer] = await collect(engine.annotate([row], { chatTemplate: "chatml", ...few }));
    expect(answer!.row).toBe(row);
    expect(answer!.images!.map((image) => image.tokens <= 20)).toEqual([true, false]);
    for (const each of tokens) expect(each).toEqual([answer!.images![0]!.tokens]);
    const scored = await engine.score({ prompt: "a", images: [small], candidates: ["b"] });
    expect(scored.usage.imageTokens).toBe(answer!.images![0]!.tokens);
    const wrong = engine.complete({ prompt: "a", images: [{ image: png, maxToken: 5 } as never] }).result;
    expect((await errorOf(wrong)).message).toContain("images[0].maxToken is unknown: did you mean maxTokens?");
  });

  it.each([
    [{ minTokens: 0 }, /minTokens must be an integer of 1 or more/],
    [{ maxTokens: 1.5 }, /maxTokens must be an integer/],
    [{ minTokens: 9, maxTokens: 8 }, /must have a minTokens of at most its maxTokens/],
    [{ minTokens: 4000 }, /must be below the context of a request, 2048 tokens/],
    [{ maxTokens: 2048 }, /must be below the context of a request, 2048 tokens/],
  ])("refuses %j", async (limits, message) => {
    const error = await errorOf(ask(limits).result);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toMatch(message);
  });
});

describe("a projector of fixed sizes", () => {
  it("refuses limits by name, and says what it saw", async () => {
    const engine = await loadTiny();
    const content = (limits: object) => [{ type: "image" as const, image: png, ...limits }];
    const error = await errorOf(
      engine.chat({ messages: [{ role: "user", content: content({ maxTokens: 9 }) }], ...few }).result,
    );
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(`a projector of the kind ${engine.info.projector!.kind}`);
    const { images, usage } = await engine.chat({ messages: user("What?"), images: [png, png], ...few }).result;
    expect(images).toHaveLength(2);
    expect(images![0]).toMatchObject({ width, height });
    expect(images![0]!.tokens * 2).toBe(usage.imageTokens);
    expect((await engine.chat({ messages: user("What?"), ...few }).result).images).toBeUndefined();
    await engine.close();
  });
});
