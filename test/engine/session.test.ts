/** Conversations that go on from what is computed. */
import { readFileSync } from "node:fs";
import { Engine, type ChatMessage, type Session } from "medinfer";
import { describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { tinyModel } from "../support/random-model.mjs";
import { errorOf, greedy, loadTiny, user } from "./support/engines.js";

const image = fromRoot("test", "fixtures", "images", "rgb.png");
const turn = (content: string) => ({ content, sampling: greedy, nPredict: 20 });
const words = (n: number) => Array.from({ length: n }, (_, i) => `mi${"aeiou"[i % 5]}k`).join(" ");
const loadRandom = (options: object = {}) =>
  Engine.load({ model: tinyModel(), mmproj: null, nCtx: 8192, chatTemplate: "chatml", ...options });

/** What the same question gets in an engine that has nothing to go on from. */
async function anew(load: () => Promise<Engine>, messages: readonly ChatMessage[], options: object) {
  await using engine = await load();
  return await engine.chat({ messages, sampling: greedy, ...options }).result;
}

describe("a session", () => {
  it("answers as a chat with the whole conversation does, and computes what is new", async () => {
    await using engine = await loadTiny();
    using session = engine.session({ system: "You are a helpful assistant." });
    for (const content of ["What is a fever?", "How is it treated?", "Hello"]) {
      const said = [...session.messages, { role: "user", content }];
      const before = session.messages.length > 1 ? engine.stats().promptTokens : 0;
      const { text, usage } = await session.chat(turn(content)).result;
      expect(text).toBe((await anew(loadTiny, said, { nPredict: 20 })).text);
      if (before > 0) {
        expect(engine.stats().promptTokens - before).toBe(usage.promptTokens - usage.cachedTokens);
        expect(usage.cachedTokens).toBeGreaterThan(usage.promptTokens / 2);
      }
      expect(session.messages).toEqual([...said, { role: "assistant", content: text.trim() }]);
    }
  });

  it("goes on from every token, not from whole pages", async () => {
    await using engine = await loadTiny({ kv: { pageSize: 256, prefixCache: false } });
    using session = engine.session();
    const first = await session.chat(turn("What is a fever?")).result;
    const second = await session.chat(turn("Hello")).result;
    expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(first.usage.promptTokens);
    expect(second.usage.cachedTokens % 256).not.toBe(0);
  });

  it("reads images in any turn, and once", async () => {
    await using engine = await loadTiny({ chatTemplate: "vicuna", nCtx: 4096 });
    using session = engine.session();
    const bytes = new Uint8Array(readFileSync(image));
    const turns = [
      { ...turn("What is this?"), images: [image] },
      turn("And now?"),
      { ...turn("This?"), images: [bytes] },
    ];
    for (const [i, each] of turns.entries()) {
      const { text, usage } = await session.chat(each).result;
      const asked = session.messages.slice(0, -1);
      const expected = await anew(() => loadTiny({ chatTemplate: "vicuna", nCtx: 4096 }), asked, { nPredict: 20 });
      expect(text).toBe(expected.text);
      if (i > 0) expect(usage.cachedTokens).toBeGreaterThan(usage.imageTokens / 2);
    }
    expect(engine.stats().imagesEncoded).toBe(1);
  });

  it.each([
    ["stop strings", { stopStrings: ["i", "e"] }],
    ["stop regexes", { stopRegexes: [/[a-m]/] }],
    ["thinking tags", { thinkingTags: { open: "m", close: "k" } }],
    ["a grammar", { grammar: 'root ::= "mik mik"' }],
  ])("holds what the next prompt will say, with %s", async (_name, options) => {
    await using engine = await loadRandom();
    using session = engine.session();
    await session.chat({ ...turn(words(40)), ...options }).result;
    const { text } = await session.chat(turn("mak")).result;
    const expected = await anew(loadRandom, session.messages.slice(0, -1), { nPredict: 20 });
    expect(text).toBe(expected.text);
  });

  it("computes anew what a template writes in another way", async () => {
    // Only the last message counts: every prompt differs from the one before from its first word on.
    const chatTemplate = "{% for m in messages %}{{ loop.revindex }} {{ m.content }}\n{% endfor %}";
    await using engine = await loadRandom({ chatTemplate });
    using session = engine.session();
    await session.chat(turn(words(40))).result;
    const { text } = await session.chat(turn("mak")).result;
    expect(text).toBe(
      (await anew(() => loadRandom({ chatTemplate }), session.messages.slice(0, -1), { nPredict: 20 })).text,
    );
  });

  it("leaves no trace of a turn that failed", async () => {
    await using engine = await loadRandom();
    using session = engine.session();
    await session.chat(turn(words(10))).result;
    const { messages } = session;
    const controller = new AbortController();
    const aborted = session.chat({ content: "mek", ignoreEos: true, signal: controller.signal });
    const refused = await errorOf(session.chat("mik").result);
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("fork") as string });
    controller.abort();
    expect((await errorOf(aborted.result)).code).toBe("ABORTED");
    expect((await errorOf(session.chat({ content: "mek", nPredict: -7 }).result)).code).toBe("INVALID_ARGUMENT");
    expect((await errorOf(session.chat({ content: "mek", n: 2 } as never).result)).message).toContain("engine.chat");
    expect(session.messages).toEqual(messages);
    const { text } = await session.chat(turn("mak")).result;
    expect(text).toBe((await anew(loadRandom, session.messages.slice(0, -1), { nPredict: 20 })).text);
  });

  it("gives everything back when it is closed", async () => {
    await using engine = await loadRandom();
    const session = engine.session();
    await session.chat(turn(words(100))).result;
    expect(engine.stats().kv.pagesUsed).toBeGreaterThan(0);
    session.close();
    session.close();
    await settled(engine);
    expect(engine.stats().kv.pagesUsed).toBe(0);
    expect((await errorOf(session.chat("mik").result)).code).toBe("CLOSED");
    expect((await errorOf(session.fork())).code).toBe("CLOSED");
  });

  it("is over when its engine is", async () => {
    const engine = await loadRandom();
    const session = engine.session();
    await session.chat(turn("mik")).result;
    await engine.close();
    expect((await errorOf(session.chat("mik").result)).code).toBe("CLOSED");
    expect((await errorOf(session.fork())).code).toBe("CLOSED");
    expect((await errorOf(() => engine.session())).code).toBe("CLOSED");
    session.close();
  });

  it("works with models that keep a memory of their own", async () => {
    const { randomModel } = await import("../support/random-model.mjs");
    const model = randomModel("gemma3", { type: "f32", window: 256 });
    const load = () => Engine.load({ model, mmproj: null, nCtx: 1024, chatTemplate: "chatml" });
    await using engine = await load();
    using session = engine.session();
    await session.chat(turn("mik mak")).result;
    using fork = await session.fork();
    const { text } = await fork.chat(turn("mek")).result;
    expect(text).toBe((await anew(load, fork.messages.slice(0, -1), { nPredict: 20 })).text);
  });
});

describe("a fork", () => {
  it("shares everything so far, and goes its own way", async () => {
    await using engine = await loadRandom({ batchSize: 8 });
    using session = engine.session();
    const { usage } = await session.chat(turn(words(1000))).result;
    expect(usage.promptTokens).toBeGreaterThan(4000 * 0.5);
    await settled(engine);
    const before = engine.stats().kv;
    const forks: Session[] = [];
    for (let i = 0; i < 8; i++) forks.push(await session.fork());
    await settled(engine);
    const after = engine.stats().kv;
    expect(after.pagesUsed).toBe(before.pagesUsed);
    expect(after.pagesFree).toBe(before.pagesFree);
    const asked = engine.stats().promptTokens;
    const results = await Promise.all(forks.map((fork, i) => fork.chat(turn(`${words(3)} ${i}`)).result));
    const size = results[0]!.usage.promptTokens;
    expect(engine.stats().promptTokens - asked).toBeLessThan(size / 4);
    for (const [i, { text }] of results.entries()) {
      expect(forks[i]!.messages.at(-1)!.content).toBe(text.trim());
      if (i % 4 === 0) {
        const expected = await anew(loadRandom, forks[i]!.messages.slice(0, -1), { nPredict: 20 });
        expect(text).toBe(expected.text);
      }
      forks[i]!.close();
    }
    const { text } = await session.chat(turn("mak")).result;
    expect(text).toBe((await anew(loadRandom, session.messages.slice(0, -1), { nPredict: 20 })).text);
  });

  it("leaves a chat that is under way out", async () => {
    await using engine = await loadRandom();
    using session = engine.session();
    await session.chat(turn("mik")).result;
    const running = session.chat(turn("mak"));
    using fork = await session.fork();
    expect(fork.messages).toHaveLength(2);
    const [one, two] = await Promise.all([running.result, fork.chat(turn("mak")).result]);
    expect(one.text).toBe(two.text);
    expect(session.messages).toEqual(fork.messages);
  });
});

describe("in a pool that is too small for all sessions", () => {
  it.each([true, false])("nothing is lost and nothing waits for ever (prefixCache: %s)", async (prefixCache) => {
    await using engine = await loadRandom({ nCtx: 512, batchSize: 4, kv: { prefixCache } });
    const sessions = Array.from({ length: 6 }, (_, i) => engine.session({ system: `s${i}` }));
    for (let round = 0; round < 3; round++) {
      const all = sessions.map((session, i) => session.chat({ ...turn(words(12 + i)), nPredict: 24 }).result);
      // Others need the room as well.
      const beside = engine.chat({ messages: user(words(60)), sampling: greedy, nPredict: 60 });
      await Promise.all([...all, beside.result]);
    }
    for (const session of sessions) {
      expect(session.messages).toHaveLength(7);
      const asked = session.messages.slice(0, 6);
      const { text } = await anew(loadRandom, asked, { nPredict: 24 });
      expect(session.messages[6]!.content).toBe(text.trim());
      session.close();
    }
    await settled(engine);
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0, kvCellsUsed: 0, kv: { pagesUsed: 0 } });
  });

  it("forks whose pages are not full do not keep a request that needs all of it waiting", async () => {
    await using engine = await loadRandom({ nCtx: 320, batchSize: 2, kv: { pageSize: 64 } });
    using session = engine.session();
    for (let i = 0; i < 2; i++) {
      await session.chat({ ...turn("mik"), nPredict: 4 }).result;
      using fork = await session.fork();
      await fork.chat({ ...turn("mak"), nPredict: 4 }).result;
    }
    const { finishReason } = await session.chat({ content: "mek", ignoreEos: true, sampling: greedy }).result;
    expect(finishReason).toBe("context");
  });
});

/** Commands before this have been carried out after it. */
async function settled(engine: Engine): Promise<void> {
  await engine.complete({ prompt: "x", nPredict: 0 }).result;
}
