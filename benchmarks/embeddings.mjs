import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { randomModel, vocabularyFile } from "../test/support/random-model.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { nodeLlamaCpp } from "../test/support/node-llama-cpp.mjs";
import { promptOf } from "./lib/prompts.mjs";
import { median, round, summary } from "./lib/stats.mjs";
import { isMet, targetTable } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about = "texts embedded per second, 1,000 of 20 to 400 tokens, beside llama-server and node-llama-cpp";
export const options = {
  runs: { type: "string", default: "3" },
  texts: { type: "string", default: "1000" },
  threads: { type: "string", default: "2" },
  model: { type: "string", default: "minilm,base" },
  type: { type: "string", default: "f16,q8_0" },
  file: { type: "string" },
};

/** The shape of BERT base, and that of all-MiniLM-L6-v2, with the vocabulary that both have. Speed hangs on no weight. */
const shape = { vocab: vocabularyFile("bert-bge"), ctx: 512, pooling: "mean", repeat: 1 };
const MODELS = {
  minilm: { ...shape, embd: 384, layers: 6, heads: 12, ff: 1536 },
  base: { ...shape, embd: 768, layers: 12, heads: 12, ff: 3072 },
};
const LEAST_TOKENS = 20;
const MOST_TOKENS = 400;
/** Of the server: enough slots that a batch of its is full, whatever the lengths. */
const SLOTS = 32;
const CTX = 512;
/** The systems take turns after so many texts, so that what else the host does meets them alike. */
const SLICE = 100;
const SETTLE_MS = 200;
const WANTED = 1.5;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, texts, threads, model, type, file }, log) {
  const models = {};
  const targets = [];
  const random = model
    .split(",")
    .flatMap((name) =>
      type.split(",").map((each) => [`${name} ${each}`, () => randomModel("bert", { ...MODELS[name], type: each })]),
    );
  const files = file === undefined ? random.map(([name, make]) => [name, make()]) : [["file", file]];
  for (const [name, path] of files) {
    if (!existsSync(path)) throw new Error(`there is no model at ${path}`);
    const work = { runs: Number(runs), count: Number(texts), threads: Number(threads) };
    const figures = await measure(path, work, (line) => log(`${name}: ${line}`));
    models[name] = figures;
    const target = { case: name, what: "texts/s over the better peer", value: figures.ratio, atLeast: WANTED };
    targets.push({ ...target, ok: isMet(target) });
  }
  log(`\n${targetTable(targets)}`);
  return { unit: "texts/s", threads, models, targets, ok: targets.every(({ ok }) => ok) };
}

async function measure(file, { runs, count, threads }, log) {
  const systems = await startSystems(file, threads, log);
  try {
    const rates = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
    let tokens = 0;
    for (let run = 0; run <= runs; run++) {
      // The first round warms up, with fewer texts.
      const { texts, tokens: n } = await mixedTexts(systems.medinfer, run === 0 ? Math.ceil(count / 10) : count, run);
      tokens = n;
      const spent = Object.fromEntries(Object.keys(systems).map((name) => [name, 0]));
      for (let from = 0; from < texts.length; from += SLICE) {
        const slice = texts.slice(from, from + SLICE);
        for (const [name, system] of Object.entries(systems)) {
          await setTimeout(SETTLE_MS);
          const started = performance.now();
          const rows = await system.embed(slice);
          if (rows !== slice.length) throw new Error(`${name} gave ${rows} rows`);
          spent[name] += performance.now() - started;
        }
      }
      if (run === 0) continue;
      for (const [name, ms] of Object.entries(spent)) rates[name].push(round((1000 * texts.length) / ms));
      const latest = Object.entries(rates).map(([name, samples]) => `${name} ${samples.at(-1)}`);
      log(`run ${run} of ${runs}, texts/s: ${latest.join(", ")}`);
    }
    for (const [name, samples] of Object.entries(rates)) log(`${name} ${round(median(samples))} texts/s`);
    const { medinfer, ...peers } = rates;
    const better = (i) => Math.max(...Object.values(peers).map((samples) => samples[i]));
    return {
      file: file.split(/[\\/]/).at(-1),
      tokens,
      figures: Object.fromEntries(
        Object.entries(rates).map(([name, samples]) => [name, { ...summary(samples), samples }]),
      ),
      ratio: round(median(medinfer.map((rate, i) => rate / better(i)))),
    };
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.close()));
  }
}

/** Lengths are spread evenly between the least and the most; the same for the same seed. */
async function mixedTexts(engine, count, seed) {
  const texts = [];
  for (let i = 0; i < count; i++) {
    const tokens =
      LEAST_TOKENS + Math.floor(((i * 7919 + seed * 31) % count) * ((MOST_TOKENS - LEAST_TOKENS + 1) / count));
    // Words have about 1.3 tokens: too many, and cut by the engine's own count.
    texts.push({ text: promptOf(tokens, 100_000 * seed + i), tokens });
  }
  return engine.cut(texts);
}

/** Every system stays loaded for the whole time, in a process of its own; only one works at a time. */
async function startSystems(file, threads, log) {
  const engine = new Worker(new URL("./children/embedder.mjs", import.meta.url));
  await engine.call("load", { model: file, task: "embed", nThreads: threads });
  const server = await LlamaServer.start(file, { parallel: SLOTS, ctx: SLOTS * CTX, threads, embeddings: true, log });
  const systems = {
    medinfer: {
      cut: (texts) => engine.call("cut", texts),
      embed: (texts) => engine.call("embed", texts),
      close: () => engine.close(),
    },
    "llama-server": { embed: (texts) => server.embed(texts), close: () => server.close() },
  };
  const entry = nodeLlamaCpp(log);
  if (entry !== undefined) {
    const other = new Worker(new URL("./children/node-llama-cpp-embedder.mjs", import.meta.url));
    await other.call("load", { entry, model: file, threads });
    systems["node-llama-cpp"] = { embed: (texts) => other.call("embed", texts), close: () => other.close() };
  }
  return systems;
}
