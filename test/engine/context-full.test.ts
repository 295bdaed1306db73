/** Conversations that the context has no room for: what is left out, what of it is computed anew, and what is said. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Engine, type ChatMessage, type LoadOptions, type Session } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { tinyModel, tinyPairs } from "../support/random-model.mjs";
import { errorOf, greedy } from "./support/engines.js";

const drop = { onContextFull: "dropOldestTurns" } as const;
const image = new Uint8Array(readFileSync(fromRoot("test", "fixtures", "images", "rgb.png")));
const system = { role: "system", content: "mik mak" };

/** A text of about so many tokens, another one for each seed. */
const words = (n: number, seed = 0) =>
  Array.from({ length: n }, (_, i) => `m${"aeiou"[(i + seed) % 5]}${"kbdg"[(i * seed) % 4]}`).join(" ");

const conversation = (turns: number, size: number): ChatMessage[] => [
  system,
  ...Array.from({ length: turns }, (_, i) => [
    { role: "user", content: words(size, i) },
    { role: "assistant", content: words(3, i) },
  ]).flat(),
  { role: "user", content: "mek?" },
];

/** The messages that are left. */
const without = (messages: readonly ChatMessage[], turns: number) => [messages[0]!, ...messages.slice(1 + 2 * turns)];

const load = (options: LoadOptions = {}) =>
  Engine.load({
    model: tinyModel(),
    mmproj: null,
    nThreads: 1,
    nCtx: 1024,
    nCtxPerRequest: 512,
    chatTemplate: "chatml",
    ...options,
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "medinfer-context-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a chat that is too long", () => {
  it("fails every time by default, and says what can be done", async () => {
    await using engine = await load();
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(engine.chat({ messages: conversation(20, 40) }).result);
      expect(error.code).toBe("CONTEXT_FULL");
      expect(error.message).toContain("onContextFull");
    }
  });

  it.each<[string, number, number, number, object?]>([
    ["a few long turns", 6, 120, -1],
    ["many short turns", 60, 10, -1],
    ["room for a short answer", 20, 40, 8],
    ["without a template", 20, 40, 8, { useChatTemplate: false }],
  ])("answers as the conversation without its oldest turns does: %s", async (_name, n, size, nPredict, more = {}) => {
    await using engine = await load();
    const messages = conversation(n, size);
    const options = { sampling: greedy, ignoreEos: true, nPredict, ...more };
    const { droppedTurns = 0, ...result } = await engine.chat({ messages, ...options, ...drop }).result;
    expect(droppedTurns).toBeGreaterThan(0);
    expect(droppedTurns).toBeLessThanOrEqual(n);
    const shorter = await engine.chat({ messages: without(messages, droppedTurns), ...options }).result;
    expect(result.text).toBe(shorter.text);
    expect(result.usage.promptTokens).toBe(shorter.usage.promptTokens);
    // No turn too many went: with a quarter of the context more it would not have fitted.
    const room = nPredict < 0 ? 128 : nPredict;
    expect(result.usage.promptTokens + room).toBeLessThanOrEqual(512);
    const before = await engine.chat({ messages: without(messages, droppedTurns - 1), ...options, ...drop }).result;
    expect(before.usage.promptTokens).toBeGreaterThan(512 - 128 - room - size * 2);
    if (nPredict > 0) expect(result.finishReason).toBe("length");
  });

  it("computes only what is new, for as long as the same turns are left out", async () => {
    await using engine = await load({ nCtx: 4096, nCtxPerRequest: 2048 });
    const dropped: number[] = [];
    let recomputed = 0;
    let prompt = 0;
    const question = (await engine.chat({ messages: [{ role: "user", content: "mek?" }], nPredict: 1 }).result).usage
      .promptTokens;
    for (let n = 8; n < 60; n++) {
      const { usage, droppedTurns = 0 } = await engine.chat({ messages: conversation(n, 30), nPredict: 1, ...drop })
        .result;
      const added = usage.promptTokens - prompt;
      prompt = usage.promptTokens;
      // What is new, the question behind it, and the rest of a page.
      if (droppedTurns === dropped.at(-1)) expect(prompt - usage.cachedTokens).toBeLessThan(added + question + 32);
      else recomputed++;
      dropped.push(droppedTurns);
    }
    expect(dropped.at(-1)).toBeGreaterThan(20);
    // A block of 512 tokens holds six such turns or more.
    expect(recomputed).toBeLessThan(10);
  });

  it("fails where the latest turn is too long by itself", async () => {
    await using engine = await load();
    const messages = [...conversation(5, 40).slice(0, -1), { role: "user", content: words(600) }];
    const error = await errorOf(engine.chat({ messages, ...drop }).result);
    expect(error.code).toBe("CONTEXT_FULL");
    expect(error.message).toMatch(/latest turn by itself.* 6\d\d tokens/);
    // One that leaves little room for the answer is answered.
    const tight = [...conversation(5, 40).slice(0, -1), { role: "user", content: words(380) }];
    const { finishReason, droppedTurns } = await engine.chat({ messages: tight, ignoreEos: true, ...drop }).result;
    expect({ finishReason, droppedTurns }).toEqual({ finishReason: "context", droppedTurns: 5 });
  });

  it("says it of all completions, the best ones and the last event", async () => {
    await using engine = await load();
    const request = { messages: conversation(20, 40), nPredict: 4, ...drop };
    const { droppedTurns, choices } = await engine.chat({ ...request, n: 3 }).result;
    expect(droppedTurns).toBeGreaterThan(0);
    expect(choices!.map((choice) => choice.droppedTurns)).toEqual([droppedTurns, droppedTurns, droppedTurns]);
    expect((await engine.chat({ ...request, bestOf: 2 }).result).droppedTurns).toBe(droppedTurns);
    let last;
    for await (const event of engine.chat(request)) last = event;
    expect(last).toMatchObject({ type: "done", droppedTurns });
    expect(engine.stats().failed).toBe(0);
  });

  it("ends with an abort or a close while it is counted", async () => {
    const engine = await load();
    const controller = new AbortController();
    const aborted = engine.chat({ messages: conversation(200, 40), ...drop, signal: controller.signal });
    const heard = errorOf(aborted.result);
    controller.abort();
    expect((await heard).code).toBe("ABORTED");
    const left = Array.from({ length: 8 }, () =>
      errorOf(engine.chat({ messages: conversation(200, 40), ...drop }).result),
    );
    await engine.close();
    for (const error of await Promise.all(left)) expect(error.code).toBe("CLOSED");
  });
});

describe("a chat with images that is too long", () => {
  const ask = (i: number): ChatMessage => ({
    role: "user",
    content: [
      { type: "image", image },
      { type: "text", text: words(4, i) },
    ],
  });

  it.each(Object.keys(tinyPairs) as (keyof typeof tinyPairs)[])(
    "counts and drops them with their turns: %s",
    async (kind) => {
      await using engine = await Engine.load({ ...tinyPairs[kind](), nThreads: 1, nCtx: 512, chatTemplate: "chatml" });
      const one = (await engine.chat({ messages: [ask(0)], nPredict: 1 }).result).usage.imageTokens;
      expect(one).toBeGreaterThan(0);
      const turns = Math.ceil(700 / one);
      const messages = [
        system,
        ...Array.from({ length: turns }, (_, i) => [ask(i), { role: "assistant", content: "mak" }]).flat(),
        ask(99),
      ];
      expect((await errorOf(engine.chat({ messages }).result)).code).toBe("CONTEXT_FULL");
      const {
        usage,
        droppedTurns = 0,
        text,
      } = await engine.chat({ messages, sampling: greedy, nPredict: 6, ...drop }).result;
      expect(droppedTurns).toBeGreaterThan(0);
      expect(usage.imageTokens).toBe((turns + 1 - droppedTurns) * one);
      const shorter = await engine.chat({ messages: without(messages, droppedTurns), sampling: greedy, nPredict: 6 })
        .result;
      expect(text).toBe(shorter.text);
      // The same picture throughout, and those that were left out are not encoded.
      expect(engine.stats().imagesEncoded).toBe(1);
    },
  );

  it("is refused for a damaged image, also in a turn that would go", async () => {
    await using engine = await Engine.load({ ...tinyPairs.llava(), nThreads: 1, nCtx: 512, chatTemplate: "chatml" });
    const damaged: ChatMessage = { role: "user", content: [{ type: "image", image: new Uint8Array([1, 2, 3]) }] };
    const messages = [damaged, { role: "assistant", content: "mak" }, { role: "user", content: words(300) }];
    expect((await errorOf(engine.chat({ messages, ...drop }).result)).code).toBe("IMAGE_DECODE");
  });
});

describe("a session that is too long", () => {
  const say = (session: Session, i: number, options: object = {}) =>
    session.chat({ content: words(40, i), nPredict: 8, sampling: greedy, ...options }).result;

  it("goes on for ever, computes what is new, and keeps all that was said", async () => {
    const sizes = { nCtx: 4096, nCtxPerRequest: 1024 };
    await using engine = await load(sizes);
    using session = engine.session({ system: "mik mak", ...drop });
    const dropped: number[] = [];
    let prompt = 0;
    for (let i = 0; i < 40; i++) {
      const before = session.messages;
      const { usage, droppedTurns = 0, text } = await say(session, i);
      // The rest of a page, and what the template writes around the answer.
      const added = usage.promptTokens - prompt;
      prompt = usage.promptTokens;
      if (droppedTurns === dropped.at(-1)) expect(prompt - usage.cachedTokens).toBeLessThan(added + 32 + 32);
      dropped.push(droppedTurns);
      if (i % 10 === 9) {
        // As a chat with the whole conversation, and as one without the turns.
        const messages = [...before, { role: "user", content: words(40, i) }];
        const options = { nPredict: 8, sampling: greedy };
        await using other = await load({ ...sizes, kv: { prefixCache: false } });
        const whole = await other.chat({ messages, ...options, ...drop }).result;
        expect(whole).toMatchObject({ text, droppedTurns });
        expect((await other.chat({ messages: without(messages, droppedTurns), ...options }).result).text).toBe(text);
      }
    }
    expect(session.messages).toHaveLength(81);
    expect(dropped[0]).toBe(0);
    expect(dropped.at(-1)).toBeGreaterThan(25);
    expect([...dropped].sort((a, b) => a - b)).toEqual(dropped);
    expect(new Set(dropped).size).toBeLessThan(18);
  });

  it("that fails can go on once it may drop", async () => {
    await using engine = await load();
    using session = engine.session();
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 14; i++) {
      codes.push(
        await say(session, i).then(
          () => undefined,
          (error: { code: string }) => error.code,
        ),
      );
    }
    expect(codes[0]).toBeUndefined();
    expect(codes.at(-1)).toBe("CONTEXT_FULL");
    expect((await say(session, 20, drop)).droppedTurns).toBeGreaterThan(0);
    expect((await errorOf(say(session, 21))).code).toBe("CONTEXT_FULL");
  });

  it("is saved whole, and goes on from its file", async () => {
    const file = path.join(folder, "session");
    await using engine = await load();
    using session = engine.session({ system: "mik mak", ...drop });
    let dropped = 0;
    // Until the next turn leaves out what the latest did: then what the file holds is of use.
    for (let i = 0; dropped === 0 || (await say(await session.fork(), 50)).droppedTurns !== dropped; i++) {
      dropped = (await say(session, i)).droppedTurns!;
    }
    await session.save(file);
    const expected = await say(session, 50);
    expect(expected.droppedTurns).toBe(dropped);
    await using other = await load();
    using restored = await other.restoreSession(file);
    expect(restored.messages).toEqual(session.messages.slice(0, -2));
    const { text, usage, droppedTurns } = await say(restored, 50);
    expect(text).toBe(expected.text);
    expect(droppedTurns).toBe(expected.droppedTurns);
    expect(usage.cachedTokens).toBeGreaterThan(usage.promptTokens / 2);
  });

  it("drops the images of its turns, and keeps them in its messages and its file", async () => {
    const file = path.join(folder, "images");
    const options: LoadOptions = { ...tinyPairs.llava(), nThreads: 1, nCtx: 512, chatTemplate: "chatml" };
    await using engine = await Engine.load(options);
    using session = engine.session(drop);
    let dropped = 0;
    let imageTokens = 0;
    for (let i = 0; i < 20; i++) {
      const { droppedTurns = 0, usage } = await say(session, i, { images: [image], content: words(4, i) });
      dropped = droppedTurns;
      imageTokens = usage.imageTokens;
    }
    expect(dropped).toBeGreaterThan(5);
    expect(imageTokens % (20 - dropped)).toBe(0);
    expect(session.messages.filter(({ content }) => typeof content !== "string")).toHaveLength(20);
    await session.save(file);
    using restored = await engine.restoreSession(file);
    expect(restored.messages).toEqual(session.messages);
    expect((await say(restored, 20)).droppedTurns).toBeGreaterThanOrEqual(dropped);
  });
});
