import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";

import { PlainLoop } from "../test/support/plain-loop.mjs";
import { mediumModel, smallModel } from "../test/support/random-model.mjs";
import { withBusyCore } from "./lib/busy-core.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { promptOf } from "./lib/prompts.mjs";
import { median, round, summary } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "tokens per second of 1, 8 and 32 requests at once, beside a plain llama.cpp loop and llama-server of the same release";
export const options = {
  runs: { type: "string", default: "5" },
  model: { type: "string", default: "small,medium" },
  threads: { type: "string", default: "auto" },
  requests: { type: "string", default: "1,8,32" },
  busy: { type: "string", default: "yes" },
};

/**
 * By the number of requests at once: how many tokens each generates, and how many such batches one run has. A run takes
 * about a second or more, so that its start weighs little.
 */
const MODELS = {
  small: {
    make: smallModel,
    work: { 1: { predict: 400, batches: 4 }, 8: { predict: 400 }, 32: { predict: 160 } },
  },
  medium: {
    make: mediumModel,
    work: { 1: { predict: 240 }, 8: { predict: 96 }, 32: { predict: 64 } },
  },
};
const PARALLEL = 32;
const CTX_EACH = 512;
/** Idle thread pools spin for a while before they sleep; the next system must not pay for it. */
const SETTLE_MS = 500;
const PROMPT_WORDS = 24;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, model, threads, requests, busy }, log) {
  const models = {};
  for (const name of model.split(",")) {
    models[name] = await measureModel(MODELS[name], {
      runs: Number(runs),
      threads: threads === "auto" ? undefined : Number(threads),
      counts: requests.split(",").map(Number),
      busy: busy === "yes",
      log: (line) => log(`${name}: ${line}`),
    });
  }
  return { unit: "tokens/s, prefill included", threads, models };
}

async function measureModel({ make, work }, { runs, threads, counts, busy, log }) {
  const file = make();
  const systems = await startSystems(file, { threads, log });
  const measure = (count, note) =>
    interleave(systems, { count, runs, ...work[count] }, (line) => log(`N=${count}${note}: ${line}`));
  try {
    const figures = {};
    for (const count of counts) {
      figures[count] = await measure(count, "");
    }
    if (busy) {
      figures["1, one core busy"] = await withBusyCore(() => measure(1, ", one core busy"));
    }
    return { file: file.split(/[\\/]/).at(-1), ...ratios(figures) };
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.close()));
  }
}

/** Every system stays loaded for the whole time, in a process of its own; only one works at a time. */
async function startSystems(file, { threads, log }) {
  const engine = new Worker(new URL("./children/engine.mjs", import.meta.url));
  await engine.call("load", {
    model: file,
    mmproj: null,
    nCtx: PARALLEL * CTX_EACH,
    batchSize: PARALLEL,
    nThreads: threads ?? "auto",
  });
  const plain = await PlainLoop.start(file, {
    ctx: 1024,
    threads: threads ?? availableParallelism(),
  });
  const server = await LlamaServer.start(file, {
    parallel: PARALLEL,
    ctx: PARALLEL * CTX_EACH,
    threads,
    log,
  });

  const ours = (stream) => (prompts, predict) => engine.call("complete", { prompts, predict, stream });
  const overHttp = (stream) => async (prompts, predict) => {
    const started = performance.now();
    const tokens = await Promise.all(prompts.map((prompt) => server.complete({ prompt, predict, stream })));
    return { ms: performance.now() - started, tokens: tokens.reduce((sum, n) => sum + n) };
  };
  return {
    // Whole answers as the plain loop gives them, and streamed ones; llama-server below is asked in both ways too.
    medinfer: { run: ours(false), close: () => engine.close() },
    "medinfer, streamed": { run: ours(true), close: async () => {} },
    "plain loop": {
      atMost: 1,
      run: async ([prompt], predict) => {
        const request = { parts: [{ text: prompt }], predict, ignoreEos: true };
        const { tokens, prefillMs, decodeMs } = await plain.run(request);
        return { ms: prefillMs + decodeMs, tokens: tokens.length };
      },
      close: () => plain.close(),
    },
    "llama-server": { run: overHttp(false), close: () => server.close() },
    "llama-server, streamed": { run: overHttp(true), close: async () => {} },
  };
}

/** One run of each system in turn, so that a change of the host meets all of them. The first round warms up. */
async function interleave(systems, { count, predict, batches = 1, runs }, log) {
  const chosen = Object.entries(systems).filter(([, { atMost = Infinity }]) => count <= atMost);
  const rates = Object.fromEntries(chosen.map(([name]) => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const [name, system] of chosen) {
      await setTimeout(SETTLE_MS);
      let spent = 0;
      for (let batch = 0; batch < batches; batch++) {
        const seed = 1000 * (run * batches + batch);
        const prompts = Array.from({ length: count }, (_, i) => promptOf(PROMPT_WORDS, seed + i));
        const { ms, tokens } = await system.run(prompts, predict);
        if (tokens !== count * predict) throw new Error(`${name} generated ${tokens} tokens`);
        spent += ms;
      }
      if (run > 0) rates[name].push(round((1000 * batches * count * predict) / spent));
    }
  }
  for (const [name, samples] of Object.entries(rates)) log(`${name} ${round(median(samples))} tok/s`);
  return Object.fromEntries(Object.entries(rates).map(([name, samples]) => [name, { ...summary(samples), samples }]));
}

/**
 * What has to hold, as numbers: medinfer's rate over the others', like for like. The two runs of one round share what the
 * host did meanwhile, so they are compared with each other, and the median of the rounds counts.
 */
function ratios(figures) {
  const over = (key, ours, theirs) => {
    const others = figures[key][theirs].samples;
    return round(median(figures[key][ours].samples.map((rate, i) => rate / others[i])));
  };
  const checks = {};
  if (figures[1]) checks["N=1, over the plain loop"] = over(1, "medinfer", "plain loop");
  for (const key of Object.keys(figures)) {
    checks[`N=${key}, over llama-server`] = over(key, "medinfer", "llama-server");
    checks[`N=${key}, streamed, over llama-server`] = over(key, "medinfer, streamed", "llama-server, streamed");
  }
  return { figures, ratios: checks };
}
