/** Conversations on disk: what is restored goes on as if nothing had been, and no bytes do harm. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Engine, type ChatMessage } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { randomModel, tinyModel } from "../support/random-model.mjs";
import { SeededRandom } from "../support/seeded-random.mjs";
import { errorOf, greedy, loadTiny } from "./support/engines.js";

const turn = (content: string) => ({ content, sampling: greedy, nPredict: 20 });
const loadRandom = (options: object = {}) =>
  Engine.load({ model: tinyModel(), mmproj: null, nCtx: 2048, chatTemplate: "chatml", ...options });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "medinfer-session-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a session that was saved", () => {
  it.each([
    ["in the same engine", {}],
    ["in another one", { other: true }],
    ["in one without a prefix cache", { other: true, kv: { prefixCache: false } }],
    ["with quantised keys and values", { other: true, kv: { type: "q8_0" as const } }],
    ["with other pages", { other: true, other_kv: { pageSize: 64 as const } }],
  ])("goes on %s, and computes what is new", async (_name, { other = false, kv = {}, other_kv = {} }: Setup) => {
    const file = path.join(folder, "session");
    await using engine = await loadTiny({ kv });
    using session = engine.session({ system: "You are a helpful assistant.", cacheSalt: "one" });
    await session.chat(turn("What is a fever?")).result;
    await session.chat(turn("Hello")).result;
    await session.save(file);
    if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
    const expected = await session.chat(turn("How is it treated?")).result;

    const second = other ? await loadTiny({ kv: { ...kv, ...other_kv } }) : engine;
    using restored = await second.restoreSession(pathToFileURL(file));
    expect(restored.messages).toEqual(session.messages.slice(0, -2));
    const before = second.stats().promptTokens;
    const { text, usage } = await restored.chat(turn("How is it treated?")).result;
    expect(text).toBe(expected.text);
    // In whole pages at least: in the same engine the turn itself has been computed.
    expect(usage.cachedTokens).toBeGreaterThanOrEqual(expected.usage.cachedTokens);
    expect(second.stats().promptTokens - before).toBe(usage.promptTokens - usage.cachedTokens);
    expect(restored.messages).toEqual(session.messages);
    if (other) await second.close();
  });

  it("takes its images along", async () => {
    const file = path.join(folder, "images");
    const image = fromRoot("test", "fixtures", "images", "rgb.png");
    const load = () => loadTiny({ chatTemplate: "vicuna", nCtx: 4096 });
    let messages: readonly ChatMessage[];
    let text: string;
    let cached: number;
    {
      await using engine = await load();
      using session = engine.session();
      await session.chat({ ...turn("What is this?"), images: [image] }).result;
      await session.save(file);
      ({
        text,
        usage: { cachedTokens: cached },
      } = await session.chat(turn("And now?")).result);
      ({ messages } = session);
    }
    await using engine = await load();
    using session = await engine.restoreSession(file);
    const result = await session.chat(turn("And now?")).result;
    expect(result.text).toBe(text);
    expect(result.usage.cachedTokens).toBe(cached);
    expect(session.messages).toEqual(messages);
  });

  it("has not begun, was forked, or finds no room", async () => {
    await using engine = await loadRandom();
    const file = path.join(folder, "empty");
    await engine.session({ system: "s" }).save(file);
    using restored = await engine.restoreSession(file);
    expect(restored.messages).toEqual([{ role: "system", content: "s" }]);
    await restored.chat(turn("mik mak mek ".repeat(20))).result;
    using fork = await restored.fork();
    await fork.save(file);
    const { text } = await fork.chat(turn("mek")).result;
    await using small = await loadRandom({ nCtx: 640, nCtxPerRequest: 640, batchSize: 2 });
    const others = small.chat({ messages: [{ role: "user", content: "mik" }], ignoreEos: true, nPredict: 200 });
    const sessions = await Promise.all(Array.from({ length: 4 }, () => small.restoreSession(file)));
    for (const each of sessions) expect((await each.chat(turn("mek")).result).text).toBe(text);
    await others.result;
  });

  it("is refused for models that keep a memory of their own, and where the file cannot be", async () => {
    const model = randomModel("gemma3", { type: "f32", window: 256 });
    await using windowed = await Engine.load({ model, mmproj: null, nCtx: 1024, chatTemplate: "chatml" });
    using session = windowed.session();
    await session.chat(turn("mik")).result;
    const refused = await errorOf(session.save(path.join(folder, "no")));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    await using engine = await loadRandom();
    const nowhere = await errorOf(engine.session().save(path.join(folder, "missing", "file")));
    expect(nowhere).toMatchObject({ code: "BAD_SESSION" });
    expect(nowhere.message).toContain("folder");
    expect((await errorOf(engine.session().save("" as never))).code).toBe("INVALID_ARGUMENT");
    expect((await errorOf(engine.restoreSession(path.join(folder, "none")))).code).toBe("BAD_SESSION");
    expect((await errorOf(engine.restoreSession(folder))).code).toBe("BAD_SESSION");
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
    if (process.platform === "win32") return;
    // A file that takes the place of a device or a pipe would end what uses it.
    const pipe = path.join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect((await errorOf(engine.session().save(pipe))).message).toContain("something else than a file is there");
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  it("ends with CLOSED when the engine does", async () => {
    const engine = await loadRandom();
    const session = engine.session();
    await session.chat(turn("mik")).result;
    const saves = Array.from({ length: 8 }, (_, i) => session.save(path.join(folder, `closing-${i}`)));
    const outcomes = Promise.allSettled(saves);
    await engine.close();
    for (const outcome of await outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "CLOSED" });
    }
    expect((await errorOf(session.save(path.join(folder, "late")))).code).toBe("CLOSED");
    expect((await errorOf(engine.restoreSession(path.join(folder, "late")))).code).toBe("CLOSED");
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });
});

describe("a file that is no session of this model", () => {
  let engine: Engine;
  let whole: Buffer;
  const file = () => path.join(folder, "broken");
  beforeAll(async () => {
    engine = await loadRandom();
    using session = engine.session();
    await session.chat(turn("mik mak")).result;
    await session.save(file());
    whole = readFileSync(file());
  });
  afterAll(() => engine.close());
  const refuse = async (bytes: Uint8Array) => {
    writeFileSync(file(), bytes);
    const error = await errorOf(engine.restoreSession(file()));
    expect(error.code).toBe("BAD_SESSION");
    return error.message;
  };

  it.each(Array.from({ length: 20 }, (_, i) => i))("is refused where it is cut at %i twentieths", async (i) => {
    await refuse(whole.subarray(0, Math.floor((whole.length * i) / 20)));
    await refuse(whole.subarray(0, i * 8));
  });

  it("is refused wherever a bit is flipped, or bytes are added", async () => {
    const random = new SeededRandom(1);
    const places = [
      ...Array.from({ length: 88 }, (_, i) => i),
      ...Array.from({ length: 60 }, () => random.int(0, whole.length - 1)),
    ];
    for (const at of places) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << random.int(0, 7);
      // Four bytes are reserved; the checksum covers them all the same.
      await refuse(bytes);
    }
    await refuse(Buffer.concat([whole, Buffer.from([0])]));
    await refuse(Buffer.alloc(4096, 0xff));
  });

  it("is refused by another model and another type of cache, which say so", async () => {
    writeFileSync(file(), whole);
    await using quantised = await loadRandom({ kv: { type: "q8_0" } });
    expect((await errorOf(quantised.restoreSession(file()))).message).toContain("another model");
    await using other = await Engine.load({ model: tinyModel({ seed: 2 }), mmproj: null });
    expect((await errorOf(other.restoreSession(file()))).message).toContain("another model");
    await using restored = await loadRandom();
    (await restored.restoreSession(file())).close();
  });
});

interface Setup {
  other?: boolean;
  kv?: { prefixCache?: boolean; type?: "q8_0" };
  other_kv?: { pageSize?: 64 };
}
