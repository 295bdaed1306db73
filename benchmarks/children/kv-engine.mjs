// An engine that answers requests at a call and tells what its KV pool did meanwhile; for kv.
import { devices, Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

/** @type {Engine} */
let engine;

const greedy = { ignoreEos: true, sampling: { temperature: 0, repeatPenalty: 1 } };

serve({
  /** @param {import("medinfer").LoadOptions} options */
  async load(options) {
    const before = freeOnGpus();
    engine = await Engine.load({ mmproj: null, device: "cpu", ...options });
    const { memory, nCtx } = engine.info;
    const kv = memory.reduce((sum, each) => sum + each.kv, 0);
    const takenBytes = before - freeOnGpus();
    return {
      info: engine.info,
      takenBytes,
      bytesPerCell: Math.round(kv / nCtx),
    };
  },

  stats: () => engine.stats(),

  /** @param {string} text */
  countTokens: (text) => engine.tokenize(text, { addSpecial: true }).length,

  /**
   * All requests at once. With `sampleMs` also what the engine was doing, so many milliseconds apart.
   * @param {{ requests: { prompt: string, predict: number }[], stream?: boolean, sampleMs?: number }} work
   */
  async run({ requests, stream = false, sampleMs }) {
    const before = engine.stats();
    const samples = [];
    const started = performance.now();
    const sample = () => samples.push({ ms: performance.now() - started, ...engine.stats() });
    const timer = sampleMs && setInterval(sample, sampleMs);
    const answers = await Promise.all(requests.map((request) => answer(request, stream, started)));
    const ms = performance.now() - started;
    clearInterval(timer);
    const after = engine.stats();
    return {
      ms,
      answers,
      samples,
      preemptions: after.preemptions - before.preemptions,
      promptTokens: after.promptTokens - before.promptTokens,
      threads: after.threads,
    };
  },

  /**
   * Forks a conversation and tells what each fork took: its milliseconds, and the pages that it added.
   * @param {{ system: string, content: string, forks: number, predict: number }} options
   */
  async fork({ system, content, forks, predict }) {
    const session = engine.session({ system });
    await session.chat({ content, nPredict: predict, ...greedy }).result;
    const pages = () => engine.stats().kv.pagesUsed + engine.stats().kv.pagesCached;
    const before = pages();
    const made = [];
    const ms = [];
    for (let i = 0; i < forks; i++) {
      const started = performance.now();
      made.push(await session.fork());
      ms.push(performance.now() - started);
    }
    const added = pages() - before;
    // That they are worth something: each goes on without reading what came before.
    const promptTokens = engine.stats().promptTokens;
    await Promise.all(made.map((fork, i) => fork.chat({ content: `${i}`, nPredict: predict, ...greedy }).result));
    const read = engine.stats().promptTokens - promptTokens;
    for (const each of [session, ...made]) await each.close();
    return { ms, pages: added, tokensReadAfterwards: read };
  },

  close: () => engine.close(),
});

const freeOnGpus = () =>
  devices().reduce((sum, { backend, memoryFree }) => sum + (backend === "cpu" ? 0 : memoryFree), 0);

async function answer({ prompt, predict }, stream, started) {
  const generation = engine.complete({ prompt, nPredict: predict, ...greedy });
  let firstTokenMs;
  try {
    if (stream) {
      for await (const event of generation) {
        if (event.type === "text") firstTokenMs ??= performance.now() - started;
      }
    }
    const { usage, timings } = await generation.result;
    return {
      ok: true,
      tokens: usage.completionTokens,
      promptTokens: usage.promptTokens,
      cachedTokens: usage.cachedTokens,
      firstTokenMs,
      prefillMs: timings.prefillMs,
      decodeMs: timings.decodeMs,
    };
  } catch (error) {
    return { ok: false, tokens: 0, error: String(error) };
  }
}
