// The speed of decoding: many sequences of mixed lengths, sequences with gaps between them, and one beside an idle cache.
import { setTimeout } from "node:timers/promises";

import { SeededRandom } from "../../test/support/seeded-random.mjs";
import { LlamaServer } from "../lib/llama-server.mjs";
import { nodeLlamaCpp } from "../../test/support/node-llama-cpp.mjs";
import { median, round, summary } from "../lib/stats.mjs";
import { Worker } from "../lib/worker.mjs";
import { closing, Medinfer, place, runOnServer } from "./systems.mjs";
import { mixedPrompts, promptOfTokens } from "./workload.mjs";

/** Idle thread pools spin for a while before they sleep; the next system must not pay for it. */
const SETTLE_MS = 300;

/**
 * Case 2. Every system has read all prompts before. A run asks for a few tokens behind each, and then for more: what the
 * second took longer is what the tokens between took to decode. The few tokens of a prompt that a system reads again in
 * each of the two cancel out.
 */
export async function mixedDecode({ model, threads, quick, runs, gpu = false, serversAlone = gpu, log }) {
  const counts = quick ? [2, 4] : gpu ? [1, 2, 4, 8, 16, 32, 64, 128] : [8, 32, 64];
  const few = 4;
  const more = quick
    ? { 2: 12, 4: 12 }
    : gpu
      ? Object.fromEntries(counts.map((count) => [count, 68]))
      : { 8: 204, 32: 52, 64: 28 };
  const each = gpu ? 512 : 768;
  const most = Math.max(...counts);
  const prompts = mixedPrompts({ count: most, max: 440, median: quick ? 40 : 160, seed: 21 });
  const { systems, weights, bytesPerCell } = await startDecoders({
    model,
    threads,
    prompts,
    each,
    gpu,
    serversAlone,
    log,
  });
  const figures = {};
  try {
    for (const count of counts) {
      const rates = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
      for (let run = 0; run < runs; run++) {
        for (const [name, system] of Object.entries(systems)) {
          await setTimeout(SETTLE_MS);
          const short = await system.run(count, few);
          const long = await system.run(count, more[count]);
          if (long.tokens !== count * more[count]) throw new Error(`${name} generated ${long.tokens} tokens`);
          rates[name].push((1000 * (long.tokens - short.tokens)) / (long.ms - short.ms));
        }
      }
      figures[count] = Object.fromEntries(
        Object.entries(rates).map(([name, samples]) => [name, { ...summary(samples), samples: samples.map(round) }]),
      );
      log(
        `2: B=${count}: ${Object.entries(rates).map(([name, samples]) => `${name} ${round(median(samples))}`)} tok/s`,
      );
    }
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.close()));
  }
  const over = (count, theirs) =>
    round(median(figures[count].medinfer.samples.map((rate, i) => rate / figures[count][theirs].samples[i])));
  const unifiedAt = counts.includes(32) ? 32 : most;
  return {
    figures: {
      unit: "tokens/s",
      weights,
      bytesPerCell,
      promptTokens: prompts.map((each) => each.promptTokens),
      byCount: figures,
    },
    rows: counts.map((count) => ({
      what: `tokens/s of ${count} sequences of mixed lengths`,
      medinfer: figures[count].medinfer.median,
      split: figures[count].split.median,
      unified: figures[count].unified.median,
      nodeLlamaCpp: figures[count].nodeLlamaCpp?.median,
    })),
    targets: [
      ...counts.map((count) => ({
        what: `B=${count}: speed over split mode`,
        value: over(count, "split"),
        atLeast: 1,
      })),
      { what: `B=${unifiedAt}: speed over -kvu`, value: over(unifiedAt, "unified"), atLeast: 1.4 },
    ],
  };
}

async function startDecoders({ model, threads, prompts, each, gpu, serversAlone, log }) {
  const texts = prompts.map(({ prompt }) => prompt);
  const parallel = texts.length;
  const ctx = parallel * each;
  const requests = (count, predict) => texts.slice(0, count).map((prompt) => ({ prompt, predict }));
  const sum = ({ ms, answers }) => {
    const failed = answers.find((answer) => !answer.ok);
    if (failed) throw new Error(failed.error);
    return { ms, tokens: answers.reduce((total, { tokens }) => total + tokens, 0) };
  };
  const systems = {};

  const engine = await Medinfer.load({ ...place(gpu), model, nCtx: ctx, batchSize: parallel, nThreads: threads });
  systems.medinfer = {
    run: async (count, predict) => sum(await engine.run({ requests: requests(count, predict) })),
    close: () => engine.close(),
  };
  for (const [name, unified] of [
    ["split", false],
    ["unified", true],
  ]) {
    const server = await LlamaServer.start(model, { parallel, ctx, threads, unified, gpu, cachePrompt: true, log });
    systems[name] = {
      // Each prompt in its slot, where the server finds all of it but the last token.
      run: async (count, predict) =>
        sum(await runOnServer(server, { requests: requests(count, predict), cache: true, inSlots: true })),
      close: () => server.close(),
    };
  }
  for (const [name, system] of Object.entries(systems)) {
    const { ms } = await system.run(parallel, 1);
    log(`2: ${name} has read the prompts in ${round(ms / 1000)} s`);
  }

  const entry = serversAlone ? undefined : nodeLlamaCpp(log); // a download; for GPUs one more
  if (entry) {
    const worker = new Worker(new URL("../children/node-llama-cpp.mjs", import.meta.url));
    await worker.call("load", { entry, model, sequences: parallel, contextSize: each, threads });
    const lengths = await worker.call("prepare", { prompts: texts });
    if (lengths.some((length, i) => length !== prompts[i].promptTokens)) throw new Error("prompts differ in length");
    systems.nodeLlamaCpp = {
      run: (count, predict) => worker.call("run", { count, predict }),
      close: () => worker.close(),
    };
    log("2: node-llama-cpp has read the prompts");
  }
  return {
    systems,
    weights: engine.info.memory.reduce((sum, each) => sum + each.weights, 0),
    bytesPerCell: engine.bytesPerCell,
  };
}

/** Case 3. Passes are counted, not time: the small model. */
export async function holes({ smallModel, threads, log }) {
  const slots = 32;
  const active = 16;
  const random = new SeededRandom(31);
  const order = Array.from({ length: slots }, (_, i) => ({ i, at: random.next() })).sort((a, b) => a.at - b.at);
  const stays = new Set(order.slice(0, active).map(({ i }) => i));
  const requests = Array.from({ length: slots }, (_, i) => ({
    prompt: promptOfTokens(33, 310 + i),
    predict: stays.has(i) ? 48 : 6,
  }));
  const ctx = slots * 256;

  const engine = await Medinfer.load({ model: smallModel, nCtx: ctx, batchSize: slots, nThreads: threads });
  const ours = await closing(engine, async () => {
    const { samples } = await engine.run({ requests, sampleMs: 1 });
    const alone = samples.filter((each) => each.running === active && each.queued === 0);
    const [first, last] = [alone[0], alone.at(-1)];
    return (active * (last.steps - first.steps)) / (last.generatedTokens - first.generatedTokens);
  });
  const server = async (unified) => {
    const options = { parallel: slots, ctx, threads, unified, watchPasses: true, log };
    return closing(await LlamaServer.start(smallModel, options), async (it) => {
      await runOnServer(it, { requests, inSlots: true });
      const steps = it.passes.filter((passes) => passes.reduce((sum, n) => sum + n, 0) === active);
      return steps.reduce((sum, passes) => sum + passes.length, 0) / steps.length;
    });
  };
  const [medinfer, split, unified] = [round(ours), round(await server(false)), round(await server(true))];
  log(`3: forward passes per step: medinfer ${medinfer}, split ${split}, -kvu ${unified}`);
  return {
    figures: { slots, active, medinfer, split, unified },
    rows: [{ what: `forward passes per step, ${active} of ${slots} slots active`, medinfer, split, unified }],
    targets: [{ what: "forward passes of medinfer per step", value: medinfer, atMost: 1 }],
  };
}

/** Case 8: one request, with nothing else in the pool and with nine tenths of it full of what earlier ones left. */
export async function idleCache({ model, threads, quick, runs, log }) {
  const cells = quick ? 2048 : 8192;
  const each = quick ? 128 : 480; // whole pages: the cache keeps no others
  const count = Math.ceil((0.9 * cells) / each);
  const idle = Array.from({ length: count }, (_, i) => ({ prompt: promptOfTokens(each, 810 + i), predict: 1 }));
  const predict = quick ? 16 : 64;
  const probe = (run) => [{ prompt: promptOfTokens(64, 850 + run), predict }];
  const rateOf = ({ answers: [{ tokens, decodeMs }] }) => (1000 * (tokens - 1)) / decodeMs;

  const options = { model, nCtx: cells, batchSize: 16, nThreads: threads };
  const engines = { empty: await Medinfer.load(options), full: await Medinfer.load(options) };
  const serving = { parallel: count + 1, ctx: cells, threads, unified: true, cachePrompt: true, log };
  const servers = { empty: await LlamaServer.start(model, serving), full: await LlamaServer.start(model, serving) };
  const rates = { medinfer: { empty: [], full: [] }, unified: { empty: [], full: [] } };
  let cached;
  try {
    await engines.full.run({ requests: idle });
    const { kv } = await engines.full.stats();
    cached = kv.pagesCached / kv.pages;
    await runOnServer(servers.full, { requests: idle, cache: true, inSlots: true });
    log(`8: ${round(100 * cached)} % of the pool is idle cache`);
    // The first round warms up.
    for (let run = 0; run <= runs; run++) {
      for (const which of ["empty", "full"]) {
        await setTimeout(SETTLE_MS);
        const ours = rateOf(await engines[which].run({ requests: probe(run) }));
        await setTimeout(SETTLE_MS);
        // The one slot that holds nothing.
        const answer = await servers[which].ask({ ...probe(run)[0], slot: count });
        const theirs = rateOf({ answers: [answer] });
        if (run === 0) continue;
        rates.medinfer[which].push(ours);
        rates.unified[which].push(theirs);
      }
    }
  } finally {
    await Promise.all([...Object.values(engines), ...Object.values(servers)].map((system) => system.close()));
  }
  const figures = { cached: round(cached) };
  for (const [name, { empty, full }] of Object.entries(rates)) {
    const ratio = round(median(full.map((rate, i) => rate / empty[i])));
    figures[name] = { empty: summary(empty), full: summary(full), ratio };
    log(`8: ${name} ${round(median(empty))} tok/s, ${round(median(full))} beside an idle cache`);
  }
  const said = ({ full, empty, ratio }) => `${full.median} of ${empty.median} (${ratio})`;
  return {
    figures,
    rows: [
      {
        what: "tokens/s of one request beside an idle cache, of those in an empty pool",
        medinfer: said(figures.medinfer),
        unified: said(figures.unified),
      },
    ],
    targets: [
      { what: "share of the pool that is idle cache", value: figures.cached, atLeast: 0.9 },
      { what: "speed beside an idle cache over an empty pool's", value: figures.medinfer.ratio, atLeast: 0.95 },
    ],
  };
}
