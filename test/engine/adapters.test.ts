// LoRA adapters from the outside: who has them, what is shared, how they come and go.
import { rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { Engine, type AdapterUse, type CompleteOptions, type Generation } from "medinfer";
import { afterAll, describe, expect, it } from "vitest";

import { AdapterFolder } from "./support/adapters.js";
import { tinyModel } from "../support/random-model.mjs";
import { collect, errorOf, greedy, loadTiny, readUntil, user } from "./support/engines.js";

// Of F32 weights: others round what they multiply, and then a last bit hangs on how many are in a pass.
const model = tinyModel();
const folder = new AdapterFolder(model);
afterAll(() => folder.remove());
const [first, second] = [folder.make(1), folder.make(2)];

const prompt = "bat cat dog mik sol tan rem lo ".repeat(12);
const ask = (uses: readonly AdapterUse[], more: Partial<CompleteOptions> = {}) => ({
  prompt,
  sampling: greedy,
  nPredict: 16,
  ignoreEos: true,
  adapters: uses,
  ...more,
});
const textOf = async (generation: Generation) => (await generation.result).text;
const load = (options = {}) =>
  Engine.load({
    model,
    mmproj: null,
    nThreads: 1,
    nCtx: 4096,
    batchSize: 8,
    kv: { type: "f32" },
    chatTemplate: "chatml",
    ...options,
  });

/** Sets of adapters that all answer differently. */
const sets = (): AdapterUse[][] => [
  [],
  [{ adapter: "adapter-1" }],
  [{ adapter: "adapter-2" }],
  [{ adapter: "adapter-1", scale: 0.5 }],
  [
    { adapter: "adapter-1", scale: 0.5 },
    { adapter: "adapter-2", scale: -1 },
  ],
];

describe("a loaded adapter", () => {
  it("says what its file says", async () => {
    await using engine = await load();
    const adapter = await engine.loadAdapter(pathToFileURL(first));
    expect(adapter).toMatchObject({
      name: "adapter-1",
      path: first,
      title: "random adapter 1",
      architecture: "llama",
      task: "testing",
      promptPrefix: "",
      alpha: 8,
      rank: 4,
      weights: 7 * engine.info.nLayer,
    });
    expect(adapter.bytes).toBeGreaterThan(1000);
    expect(adapter.digest).toMatch(/^[0-9a-f]{64}$/);
    const again = await engine.loadAdapter(first, { name: "again" });
    expect(again.digest).toBe(adapter.digest);
    const other = await engine.loadAdapter(second);
    expect(other.digest).not.toBe(adapter.digest);
    expect(engine.adapters()).toEqual([adapter, again, other]);
    const taken = await errorOf(engine.loadAdapter(second, { name: "again" }));
    expect(taken.code).toBe("INVALID_ARGUMENT");
    await again.unload();
    await again.unload();
    expect(engine.adapters()).toEqual([adapter, other]);
    await engine.loadAdapter(second, { name: "again" });
  });

  it("comes with the model", async () => {
    await using engine = await load({ adapters: [first, { path: pathToFileURL(second), name: "two" }] });
    expect(engine.adapters().map(({ name }) => name)).toEqual(["adapter-1", "two"]);
    const error = await errorOf(load({ adapters: [first, folder.path("none.gguf")] }));
    expect(error.code).toBe("MODEL_NOT_FOUND");
    const twice = await errorOf(load({ adapters: [first, first] }));
    expect(twice.code).toBe("INVALID_ARGUMENT");
  });

  it("changes the answers of those who name it, and of nobody else, in whatever company", async () => {
    await using engine = await load();
    const [one] = [await engine.loadAdapter(first), await engine.loadAdapter(second)];
    const alone: string[] = [];
    for (const uses of sets()) alone.push(await textOf(engine.complete(ask(uses))));
    // The test itself: an adapter matters, and so does its scale.
    expect(new Set(alone).size).toBe(alone.length);
    // By the object, and in another order.
    expect(await textOf(engine.complete(ask([{ adapter: one }])))).toBe(alone[1]);
    expect(
      await textOf(
        engine.complete(
          ask([
            { adapter: "adapter-2", scale: -1 },
            { adapter: one, scale: 0.5 },
          ]),
        ),
      ),
    ).toBe(alone[4]);
    // None, at a scale of 0.
    expect(await textOf(engine.complete(ask([{ adapter: one, scale: 0 }])))).toBe(alone[0]);
    for (let round = 0; round < 4; round++) {
      const order = [...alone.keys(), ...alone.keys(), ...alone.keys()].sort(() => Math.random() - 0.5);
      const salt = `round ${round}`; // all is computed anew
      const before = engine.stats().steps;
      const texts = await Promise.all(order.map((i) => textOf(engine.complete(ask(sets()[i]!, { cacheSalt: salt })))));
      expect(texts).toEqual(order.map((i) => alone[i]));
      // 15 requests in 8 places: two waves of prompts and 16 tokens, whatever their adapters.
      expect(engine.stats().steps - before).toBeLessThan(60);
    }
  });

  it("is taken by chat, sessions, rows, and several completions", async () => {
    await using engine = await load();
    const adapter = await engine.loadAdapter(first);
    const uses = [{ adapter }];
    const messages = user("Hello");
    const options = { sampling: greedy, nPredict: 12, ignoreEos: true };
    const expected = await textOf(engine.chat({ messages, ...options, adapters: uses }));
    expect(expected).not.toBe(await textOf(engine.chat({ messages, ...options })));
    using session = engine.session({ adapters: uses });
    expect(await textOf(session.chat({ content: "Hello", ...options }))).toBe(expected);
    const rows = await collect(
      engine.annotate([{ prompt: "Hello" }, { prompt: "Hello" }], { ...options, systemPrompt: "", adapters: uses }),
    );
    expect(rows.map(({ text }) => text)).toEqual([expected, expected]);
    const { choices } = (await engine.chat({ messages, ...options, adapters: uses, n: 3 }).result) as unknown as {
      choices: { text: string }[];
    };
    expect(choices.map(({ text }) => text)).toEqual([expected, expected, expected]);
    const best = await engine.chat({ messages, ...options, adapters: uses, n: 1, bestOf: 3 }).result;
    expect(best.text).toBe(expected);
    // Of a chat in a session it is the session's.
    const error = await errorOf(session.chat({ content: "Hello", adapters: uses } as never).result);
    expect(error.message).toContain("the options of engine.session");
  });

  it("stays with a request that gives way and is computed again", async () => {
    const many = (engine: Engine) =>
      Promise.all([...sets(), ...sets()].map((uses) => textOf(engine.complete(ask(uses, { nPredict: 120 })))));
    const make = async (options: object) => {
      const engine = await load({ adapters: [first, second], batchSize: 10, ...options });
      const texts = await many(engine);
      const { preemptions } = engine.stats();
      await engine.close();
      return { texts, preemptions };
    };
    const roomy = await make({ nCtx: 8192 });
    const small = await make({ nCtx: 1024 });
    const swapless = await make({ nCtx: 1024, kv: { type: "f32", swapBytes: 0 } });
    expect(roomy.preemptions).toBe(0);
    expect(small.preemptions).toBeGreaterThan(0);
    expect(swapless.preemptions).toBeGreaterThan(0);
    expect(small.texts).toEqual(roomy.texts);
    expect(swapless.texts).toEqual(roomy.texts);
  });
});

describe("the prefix cache", () => {
  it("is shared by requests of the same adapters and scales alone", async () => {
    await using engine = await load({ adapters: [first, second] });
    const cached = async (uses: AdapterUse[], more = {}) =>
      (await engine.complete(ask(uses, { nPredict: 1, ...more })).result).usage.cachedTokens;
    for (const uses of sets()) {
      expect(await cached(uses), JSON.stringify(uses)).toBe(0);
      expect(await cached(uses), JSON.stringify(uses)).toBeGreaterThan(0);
    }
    expect(
      await cached([
        { adapter: "adapter-2", scale: -1 },
        { adapter: "adapter-1", scale: 0.5 },
      ]),
    ).toBeGreaterThan(0);
    expect(await cached([{ adapter: "adapter-1", scale: 0 }])).toBeGreaterThan(0);
    expect(await cached(sets()[1]!, { cacheSalt: "another" })).toBe(0);
    // A salt that reads as one of adapters does.
    expect(await cached([], { cacheSalt: "\u0001\u0001\u0001\0\0\0" })).toBe(0);
    expect(await cached([], { cacheSalt: "\u0001\0" })).toBe(0);
  });

  it("forgets what was computed with an adapter that is unloaded", async () => {
    await using engine = await load({ adapters: [first, second] });
    const pages = () => engine.stats().kv.pagesCached;
    await engine.complete(ask([{ adapter: "adapter-2" }])).result;
    const others = pages();
    await engine.complete(ask([{ adapter: "adapter-1" }])).result;
    await engine.complete(ask([{ adapter: "adapter-1" }, { adapter: "adapter-2" }])).result;
    using session = engine.session({ adapters: [{ adapter: "adapter-1" }] });
    await session.chat({ content: "Hello", nPredict: 4 }).result;
    expect(pages()).toBeGreaterThan(others);
    await engine.adapters()[0]!.unload();
    expect(pages()).toBe(others);
    expect(engine.stats().kv.pagesUsed).toBe(0);
    expect((await errorOf(session.chat("And now?").result)).code).toBe("INVALID_ARGUMENT");
    expect((await engine.complete(ask([{ adapter: "adapter-2" }])).result).usage.cachedTokens).toBeGreaterThan(0);
  });
});

describe("unload()", () => {
  it("waits for the requests that use it, and refuses new ones", async () => {
    await using engine = await load();
    const adapter = await engine.loadAdapter(first);
    const controller = new AbortController();
    const running = engine.complete(ask([{ adapter }], { nPredict: 1500, signal: controller.signal }));
    await readUntil(running, "text");
    let unloaded = false;
    const unloading = adapter.unload().then(() => (unloaded = true));
    const refused = await errorOf(engine.complete(ask([{ adapter }])).result);
    expect(refused.code).toBe("INVALID_ARGUMENT");
    expect(refused.message).toContain("adapter-1");
    // A new one of the same name is another.
    const next = await engine.loadAdapter(first);
    expect((await errorOf(engine.complete(ask([{ adapter }])).result)).code).toBe("INVALID_ARGUMENT");
    await engine.complete(ask([{ adapter: next }])).result;
    expect(unloaded).toBe(false);
    controller.abort();
    await unloading;
    expect(engine.adapters()).toEqual([next]);
    await errorOf(running.result);
  });

  it("is what await using does, and nothing after close()", async () => {
    const engine = await load();
    {
      await using adapter = await engine.loadAdapter(first);
      await engine.complete(ask([{ adapter }])).result;
    }
    expect(engine.adapters()).toEqual([]);
    const adapter = await engine.loadAdapter(first);
    const running = engine.complete(ask([{ adapter }], { nPredict: 1500 }));
    await readUntil(running, "text");
    const unloading = adapter.unload();
    await engine.close();
    await unloading;
    await adapter.unload();
    expect((await errorOf(running.result)).code).toBe("CLOSED");
    expect((await errorOf(engine.loadAdapter(first))).code).toBe("CLOSED");
  });
});

describe("what is wrong with a call", () => {
  it.each<[string, unknown, string]>([
    ["an unknown name", [{ adapter: "none" }], "adapters[0].adapter"],
    ["one twice", [{ adapter: "adapter-1" }, { adapter: "adapter-1", scale: 2 }], "once"],
    ["a scale beyond all measure", [{ adapter: "adapter-1", scale: 101 }], "scale"],
    ["a scale that is none", [{ adapter: "adapter-1", scale: NaN }], "scale"],
    ["a name alone", ["adapter-1"], "adapters[0]"],
    ["something else", [{ adapter: {} }], "engine.loadAdapter"],
    ["too many", Array.from({ length: 17 }, () => ({ adapter: "adapter-1" })), "16"],
  ])("%s is refused by name", async (_name, adapters, part) => {
    await using engine = await load({ adapters: [first] });
    const error = await errorOf(engine.complete({ prompt, adapters } as never).result);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(part);
  });

  it("an adapter is of one engine", async () => {
    await using engine = await load();
    await using other = await load();
    const adapter = await other.loadAdapter(first);
    await engine.loadAdapter(first);
    expect((await errorOf(engine.complete(ask([{ adapter }])).result)).code).toBe("INVALID_ARGUMENT");
    expect((await errorOf(() => engine.session({ adapters: [{ adapter }] }))).code).toBe("INVALID_ARGUMENT");
  });

  it("aborting ends a load", async () => {
    await using engine = await load();
    const controller = new AbortController();
    const loading = engine.loadAdapter(first, { signal: controller.signal });
    controller.abort(new Error("no"));
    const error = await errorOf(loading);
    expect(error.code).toBe("ABORTED");
    expect((await errorOf(engine.loadAdapter(first, { signal: controller.signal }))).code).toBe("ABORTED");
    expect(engine.adapters()).toEqual([]);
    await engine.loadAdapter(first);
  });

  it("close() ends a load", async () => {
    const engine = await load();
    const loading = engine.loadAdapter(first).then(
      () => "loaded",
      (error: unknown) => (error as { code: string }).code,
    );
    await engine.close();
    // A small file may have been read by then.
    expect(["loaded", "CLOSED"]).toContain(await loading);
    expect((await errorOf(engine.loadAdapter(first))).code).toBe("CLOSED");
  });

  it("a closed engine is closed under names that it knows, too", async () => {
    const engine = await load();
    await engine.loadAdapter(first);
    await engine.close();
    expect((await errorOf(engine.loadAdapter(first))).code).toBe("CLOSED");
  });
});

describe("requests run on while an adapter is loaded", () => {
  it("and those that never heard of it answer as before", async () => {
    await using engine = await load();
    const options = ask([], { nPredict: 300 });
    const expected = await textOf(engine.complete(options));
    const running = engine.complete({ ...options, cacheSalt: "again" });
    await readUntil(running, "text");
    for (let i = 0; i < 10; i++) {
      const adapter = await engine.loadAdapter(i % 2 === 0 ? first : second, { name: String(i) });
      await engine.complete(ask([{ adapter }], { nPredict: 2 })).result;
      if (i < 9) await adapter.unload();
    }
    expect(await textOf(running)).toBe(expected);
  });
});

describe("a saved session", () => {
  it("goes on with its adapters, under whatever name, and not without", async () => {
    const file = folder.path("session");
    let expected: string;
    {
      await using engine = await load({ adapters: [first, second] });
      using session = engine.session({ adapters: [{ adapter: "adapter-1", scale: 0.5 }] });
      await session.chat({ content: "Hello", sampling: greedy, nPredict: 20 }).result;
      await session.save(file);
      using fork = await session.fork();
      expected = await textOf(session.chat({ content: "Why?", sampling: greedy, nPredict: 20, ignoreEos: true }));
      expect(await textOf(fork.chat({ content: "Why?", sampling: greedy, nPredict: 20, ignoreEos: true }))).toBe(
        expected,
      );
    }
    await using engine = await load({ adapters: [second] });
    const error = await errorOf(engine.restoreSession(file));
    expect(error.code).toBe("BAD_SESSION");
    expect(error.message).toContain("adapter-1");
    await engine.loadAdapter(first, { name: "renamed" });
    using session = await engine.restoreSession(file);
    const { text, usage } = await session.chat({ content: "Why?", sampling: greedy, nPredict: 20, ignoreEos: true })
      .result;
    expect(text).toBe(expected);
    expect(usage.cachedTokens).toBeGreaterThan(0);
    rmSync(file);
  });
});

it("a request that waits for its images loses an adapter meanwhile", async () => {
  const own = new AdapterFolder();
  await using engine = await loadTiny({ adapters: [own.make(1)] });
  own.remove();
  const image = path.resolve("test/fixtures/images/rgb.png");
  const generation = engine.complete(ask([{ adapter: "adapter-1" }], { images: [image] }));
  await engine.adapters()[0]!.unload();
  const outcome = await generation.result.catch((error: unknown) => error);
  expect(outcome).toMatchObject({ code: "INVALID_ARGUMENT" });
});

it("candidates are scored with the adapters of the request", async () => {
  await using engine = await load({ adapters: [first] });
  const candidates = ["tan", "mik"];
  const score = async (adapters: AdapterUse[]) =>
    (await engine.score({ prompt, candidates, adapters })).candidates[0]!.logprob;
  const without = await score([]);
  expect(Math.abs((await score([{ adapter: "adapter-1" }])) - without)).toBeGreaterThan(0.01);
  expect(await score([{ adapter: "adapter-1", scale: 0 }])).toBeCloseTo(without, 4);
});
