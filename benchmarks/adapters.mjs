import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";

import { readGguf, writeGguf } from "../test/fuzz/metadata/gguf.mjs";
import { randomAdapter } from "../test/support/adapters.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { mediumModel, smallModel } from "../test/support/random-model.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { promptOf } from "./lib/prompts.mjs";
import { median, round, summary } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "tokens per second of requests of several LoRA adapters at once, beside the same requests without, and llama-server";
export const options = {
  runs: { type: "string", default: "5" },
  model: { type: "string", default: "medium" },
  threads: { type: "string", default: "auto" },
  adapters: { type: "string", default: "3" },
  each: { type: "string", default: "8" },
  rank: { type: "string", default: "16" },
  predict: { type: "string", default: "64" },
};

const MODELS = { small: smallModel, medium: mediumModel };
const CTX_EACH = 512;
const SETTLE_MS = 500;
const PROMPT_WORDS = 24;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, model, threads, adapters, each, rank, predict }, log) {
  const file = MODELS[model]();
  const files = adapterFiles(file, Number(adapters), Number(rank));
  const count = files.length * Number(each);
  const systems = await startSystems(file, files, {
    count,
    threads: threads === "auto" ? undefined : Number(threads),
    log,
  });
  try {
    const figures = await interleave(systems, { count, runs: Number(runs), predict: Number(predict), log });
    const over = (theirs) =>
      round(median(figures.medinfer.samples.map((rate, i) => rate / figures[theirs].samples[i])));
    return {
      unit: "tokens/s, prefill included",
      threads,
      file: path.basename(file),
      adapters: files.length,
      each: Number(each),
      rank: Number(rank),
      figures,
      ratios: {
        "over llama-server": over("llama-server"),
        "over the same without adapters": over("medinfer, no adapters"),
        "llama-server over the same without adapters": round(
          median(
            figures["llama-server"].samples.map((rate, i) => rate / figures["llama-server, no adapters"].samples[i]),
          ),
        ),
      },
    };
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.close()));
  }
}

/** F16, for every matrix of every layer: what most adapters add to. */
function adapterFiles(model, count, rank) {
  const folder = fromRoot("out", "bench", "adapters");
  mkdirSync(folder, { recursive: true });
  const gguf = readGguf(readFileSync(model));
  return Array.from({ length: count }, (_, i) => {
    const only = (weight) => /^blk\.\d+\.(attn|ffn)_/.test(weight) && !weight.includes("norm");
    const adapter = randomAdapter(gguf, { seed: i + 1, rank, alpha: rank, type: "f16", only });
    const file = path.join(folder, `adapter-${i}.gguf`);
    writeFileSync(file, writeGguf(adapter));
    return file;
  });
}

async function startSystems(file, files, { count, threads, log }) {
  const engine = new Worker(new URL("./children/engine.mjs", import.meta.url));
  const names = files.map((_, i) => `adapter-${i}`);
  await engine.call("load", {
    model: file,
    mmproj: null,
    nCtx: count * CTX_EACH,
    batchSize: count,
    nThreads: threads ?? "auto",
    adapters: files,
  });
  const ctx = count * CTX_EACH;
  const server = await LlamaServer.start(file, { parallel: count, ctx, threads, adapters: files, log });
  const plain = await LlamaServer.start(file, { parallel: count, ctx, threads, log });
  // One of each adapter in turn, as they arrive.
  const ask = (of, adapted) => async (prompts, predict) => {
    const started = performance.now();
    const tokens = await Promise.all(
      prompts.map((prompt, i) =>
        of.complete({ prompt, predict, stream: false, ...(adapted ? { adapter: i % files.length } : {}) }),
      ),
    );
    return { ms: performance.now() - started, tokens: tokens.reduce((sum, n) => sum + n) };
  };
  return {
    medinfer: {
      run: (prompts, predict) => {
        const adapters = prompts.map((_, i) => names[i % names.length]);
        return engine.call("complete", { prompts, predict, stream: false, adapters });
      },
      close: () => engine.close(),
    },
    "llama-server": { run: ask(server, true), close: () => server.close() },
    "medinfer, no adapters": {
      run: (prompts, predict) => engine.call("complete", { prompts, predict, stream: false }),
      close: async () => {},
    },
    "llama-server, no adapters": { run: ask(plain, false), close: () => plain.close() },
  };
}

/** One run of each system in turn, so that a change of the host meets all of them. The first round warms up. */
async function interleave(systems, { count, predict, runs, log }) {
  const rates = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const [name, system] of Object.entries(systems)) {
      await setTimeout(SETTLE_MS);
      const prompts = Array.from({ length: count }, (_, i) => promptOf(PROMPT_WORDS, 1000 * run + i));
      const { ms, tokens } = await system.run(prompts, predict);
      if (tokens !== count * predict) throw new Error(`${name} generated ${tokens} tokens`);
      const rate = round((1000 * count * predict) / ms);
      log(`run ${run}: ${name} ${rate} tok/s`);
      if (run > 0) rates[name].push(rate);
    }
  }
  for (const [name, samples] of Object.entries(rates)) log(`${name} ${round(median(samples))} tok/s`);
  return Object.fromEntries(Object.entries(rates).map(([name, samples]) => [name, { ...summary(samples), samples }]));
}
