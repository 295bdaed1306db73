import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { Engine } from "medinfer";

import { drawSchedule, FireRange } from "../support/kv-fire.mjs";
import { tinyModel } from "../support/random-model.mjs";

const GREEDY = { temperature: 0, repeatPenalty: 1 };
const words = (n: number) => Array.from({ length: n }, (_, i) => `mi${"aeiou"[i % 5]}k`).join(" ");

describe("under fire", () => {
  const range = new FireRange();
  const total = { preemptions: 0, pagesEvicted: 0, prefixHits: 0, tokensSwapped: 0 };
  afterAll(() => range.close());

  // `npm run bench -- kv-parity` runs 500 of them.
  test.each(Array.from({ length: 13 }, (_, i) => i + 1))(
    "schedule %i answers as a plain loop does",
    async (seed) => {
      const { report, stats } = await range.run(drawSchedule(seed));
      total.preemptions += stats.preemptions;
      total.pagesEvicted += stats.kv.pagesEvicted;
      total.prefixHits += stats.kv.prefixHits;
      total.tokensSwapped += stats.kv.tokensSwapped;
      expect(report.mismatches).toEqual([]);
      expect(report.tokens).toBeGreaterThan(0);
    },
    60_000,
  );

  test("they did meet: pages were shared and evicted, requests preempted, and their cells swapped", () => {
    expect(total.prefixHits).toBeGreaterThan(0);
    expect(total.pagesEvicted).toBeGreaterThan(0);
    expect(total.preemptions).toBeGreaterThan(0);
    expect(total.tokensSwapped).toBeGreaterThan(0);
  });
});

describe("the prefix cache", () => {
  const load = (kv?: object) => Engine.load({ model: tinyModel(), mmproj: null, nCtx: 2048, kv });
  const ask = (engine: Engine, prompt: string, cacheSalt = "") =>
    engine.complete({ prompt, nPredict: 8, ignoreEos: true, sampling: GREEDY, cacheSalt }).result;

  test("a prompt that was asked before is not computed again", async () => {
    await using engine = await load();
    const prompt = words(300);
    const first = await ask(engine, prompt);
    const second = await ask(engine, prompt);
    expect(first.usage.cachedTokens).toBe(0);
    // All but the last token, whose logits are needed.
    expect(second.usage.cachedTokens).toBe(first.usage.promptTokens - 1);
    expect(second.text).toBe(first.text);
    const { kv } = engine.stats();
    expect(kv).toMatchObject({ paged: true, prefixHits: 1, tokensSaved: second.usage.cachedTokens, pagesUsed: 0 });
    expect(kv.pagesFree + kv.pagesUsed + kv.pagesCached).toBe(kv.pages);
  });

  test("an answer is found by the prompt that goes on from it", async () => {
    await using engine = await load();
    const prompt = words(100);
    const { text, usage } = await engine.complete({ prompt, nPredict: 80, ignoreEos: true, sampling: GREEDY }).result;
    const next = await ask(engine, `${prompt}${text} mek`);
    expect(next.usage.cachedTokens).toBeGreaterThan(usage.promptTokens);
  });

  test("requests at once compute a common beginning once", async () => {
    await using engine = await Engine.load({ model: tinyModel(), mmproj: null, nCtx: 8192, batchSize: 8 });
    const beginning = words(400);
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(engine, `${beginning} end ${i}`)));
    const computed = results.reduce((sum, { usage }) => sum + usage.promptTokens - usage.cachedTokens, 0);
    expect(computed).toBeLessThan(1.5 * results[0]!.usage.promptTokens);
  });

  test("tenants with salts of their own do not share", async () => {
    await using engine = await load();
    const prompt = words(100);
    await ask(engine, prompt, "one");
    expect((await ask(engine, prompt, "two")).usage.cachedTokens).toBe(0);
    expect((await ask(engine, prompt, "one")).usage.cachedTokens).toBeGreaterThan(0);
  });

  test("is off where it is switched off", async () => {
    await using engine = await load({ prefixCache: false });
    const prompt = words(100);
    await ask(engine, prompt);
    expect((await ask(engine, prompt)).usage.cachedTokens).toBe(0);
    expect(engine.stats().kv.pagesCached).toBe(0);
  });

  test.each(["f32", "f16", "q8_0", "q4_0"] as const)("is exact with a cache of type %s", async (type) => {
    await using engine = await load({ type });
    const prompt = words(200);
    const first = await ask(engine, prompt);
    const second = await ask(engine, prompt);
    expect(engine.stats().kv.paged).toBe(true);
    expect(second.usage.cachedTokens).toBeGreaterThan(0);
    expect(second.text).toBe(first.text);
  });

  test.each([16, 64, 256] as const)("works with pages of %i tokens", async (pageSize) => {
    await using engine = await load({ pageSize });
    const prompt = words(300);
    const { usage, text } = await ask(engine, prompt);
    const again = await ask(engine, prompt);
    expect(again.usage.cachedTokens).toBe(usage.promptTokens - 1);
    expect(again.text).toBe(text);
    expect(engine.stats().kv).toMatchObject({ pageSize, pages: 2048 / pageSize });
  });

  test("a prompt that can never fit is refused with the numbers", async () => {
    await using engine = await Engine.load({ model: tinyModel(), mmproj: null, nCtx: 256 });
    await expect(ask(engine, words(1000))).rejects.toMatchObject({
      code: "CONTEXT_FULL",
      message: expect.stringMatching(/has \d+ tokens .* holds 256/) as string,
    });
    expect(engine.stats()).toMatchObject({ queued: 0, running: 0 });
  });

  const crowded = (hostCacheBytes?: number) =>
    Engine.load({ model: tinyModel(), mmproj: null, nCtx: 1024, batchSize: 1, kv: { hostCacheBytes } });

  test("gives up what was used least lately when room is needed", async () => {
    await using engine = await crowded(0);
    for (let i = 0; i < 8; i++) await ask(engine, `${i} ${words(150)}`);
    expect(engine.stats().kv).toMatchObject({ pagesEvicted: expect.any(Number) as number, hostPages: 0, hostBytes: 0 });
    expect(engine.stats().kv.pagesEvicted).toBeGreaterThan(0);
    expect((await ask(engine, `7 ${words(150)}`)).usage.cachedTokens).toBeGreaterThan(0);
    expect((await ask(engine, `0 ${words(150)}`)).usage.cachedTokens).toBe(0);
  });

  test("copies back what has left for a disk, and leaves nothing in its folder", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "medinfer-disk-"));
    const kv = { hostCacheBytes: 0, diskCacheFolder: folder };
    const engine = await Engine.load({ model: tinyModel(), mmproj: null, nCtx: 1024, batchSize: 1, kv });
    await using plain = await crowded(0);
    const prompts = Array.from({ length: 8 }, (_, i) => `${i} ${words(150)}`);
    for (const prompt of prompts) await ask(engine, prompt, "ward 3");
    const { usage, text } = await ask(engine, prompts[0]!, "ward 3");
    expect(usage.cachedTokens).toBe(Math.floor((usage.promptTokens - 1) / 32) * 32);
    expect(text).toBe((await ask(plain, prompts[0]!)).text);
    const stats = engine.stats().kv;
    expect(stats).toMatchObject({ hostPages: 0, diskLost: 0, tokensRestored: usage.cachedTokens });
    expect(stats.diskBytes % stats.diskPages).toBe(0);
    expect((await ask(engine, prompts[1]!, "ward 7")).usage.cachedTokens).toBe(0);
    expect(await readdir(folder)).toEqual([]);
    await engine.close();
    await rm(folder, { recursive: true });
  });

  test("refuses a folder for the disk that cannot be written to", async () => {
    const kv = { diskCacheFolder: "/nowhere" };
    await expect(Engine.load({ model: tinyModel(), mmproj: null, kv })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("kv.diskCacheFolder, /nowhere: there is no such folder") as string,
    });
  });

  test("copies back what has left the pool, with its salt", async () => {
    await using engine = await crowded();
    await using plain = await crowded(0);
    const prompts = Array.from({ length: 8 }, (_, i) => `${i} ${words(150)}`);
    for (const prompt of prompts) await ask(engine, prompt, "ward 3");
    const { usage, text } = await ask(engine, prompts[0]!, "ward 3");
    expect(usage.cachedTokens).toBe(usage.promptTokens - 1);
    expect(text).toBe((await ask(plain, prompts[0]!)).text);
    const { kv } = engine.stats();
    expect(kv.tokensRestored).toBe(usage.cachedTokens);
    expect(kv.tokensSaved).toBe(usage.cachedTokens);
    expect(kv.hostPages).toBeGreaterThan(0);
    expect(kv.hostBytes).toBeGreaterThan(kv.hostPages);
    expect((await ask(engine, prompts[1]!, "ward 7")).usage.cachedTokens).toBe(0);
  });
});

describe("requests that give way", () => {
  // Four that fit when they begin, and not when they have answered.
  const crowd = async (swapBytes?: number) => {
    const kv = { prefixCache: false, swapBytes };
    await using engine = await Engine.load({ model: tinyModel(), mmproj: null, nCtx: 512, batchSize: 4, kv });
    const results = await Promise.all(
      [1, 2, 3, 4].map(
        (i) =>
          engine.complete({ prompt: `${i} ${words(20)}`, nPredict: 200, ignoreEos: true, sampling: GREEDY }).result,
      ),
    );
    const stats = engine.stats();
    expect(stats.preemptions).toBeGreaterThan(0);
    expect(stats.kv.swapBytes).toBe(0);
    return { stats, prompts: results.reduce((sum, { usage }) => sum + usage.promptTokens, 0) };
  };

  test("are computed again", async () => {
    const { stats, prompts } = await crowd(0);
    expect(stats.kv.tokensSwapped).toBe(0);
    expect(stats.promptTokens).toBeGreaterThan(prompts + stats.preemptions);
  });

  test("come back from host memory where there is room for all", async () => {
    const { stats, prompts } = await crowd(2 ** 30);
    expect(stats.kv.tokensSwapped).toBeGreaterThan(0);
    // The token that was drawn last is all that is left to read.
    expect(stats.promptTokens).toBe(prompts + stats.preemptions);
  });

  test("come back from host memory by default, as many as the pool has room for", async () => {
    const { stats } = await crowd();
    expect(stats.kv.tokensSwapped).toBeGreaterThan(0);
  });

  test("are computed again when that memory is full", async () => {
    const { stats } = await crowd(1);
    expect(stats.kv.tokensSwapped).toBe(0);
  });
});
