// Answers with drafts ahead of the model, beside another commit's build: pages as JSON with the embedded model, and
// summaries that quote their note with a real small model, beside what else drafts from the prompt too.
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { smolLm2, smolLm2InQ8 } from "../test/models/support/smollm2.mjs";
import { nodeLlamaCpp } from "../test/support/node-llama-cpp.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { notes } from "./lib/notes.mjs";
import { drawPages } from "./lib/pages.mjs";
import { median, round } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { withBuild } from "./lib/with-build.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "answers that are drafted ahead of the model, beside another commit's build: the ratio of the medians";
export const options = {
  before: { type: "string" },
  runs: { type: "string", default: "3" },
  pages: { type: "string", default: "100" },
  threads: { type: "string", default: "2" },
  cases: { type: "string", default: "json,summaries" },
};

const SETTLE_MS = 500;
const greedy = { sampling: { temperature: 0 } };
/** Requests at once, and the least ratio to the build before. */
const AT_ONCE = { 1: 2, 8: 1.3, 32: 0.97 };
const SUMMARIES = 1.8;
const SUMMARY_TOKENS = 160;
/** llama-server's kinds of speculation that need no second model. */
const SERVER_KINDS = ["ngram-simple", "ngram-map-k", "ngram-mod", "ngram-cache"];

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ before, runs, pages, threads, cases }, log) {
  if (before === undefined) throw new Error("name a built clone of the other commit: --before DIR");
  const systems = { before, after: fromRoot() };
  const given = { systems, runs: Number(runs), threads: Number(threads) };
  const results = {};
  const targets = [];
  const expect = (name, value, atLeast) => {
    const target = { case: name, what: "tokens/s over the build before", value, atLeast };
    targets.push({ ...target, ok: isMet(target) });
  };
  if (cases.includes("json")) {
    const requests = pageRequests(drawPages(Number(pages), log));
    for (const [atOnce, atLeast] of Object.entries(AT_ONCE)) {
      const name = `JSON, ${atOnce} at once`;
      const load = { batchSize: Number(atOnce), nCtx: 131_072 };
      results[name] = await compare(given, { load, requests, atOnce: Number(atOnce), prepare: true }, log, name);
      expect(name, results[name].ratio, atLeast);
    }
  }
  if (cases.includes("summaries")) {
    for (const [type, model] of Object.entries({ Q4_1: await smolLm2(), Q8_0: await smolLm2InQ8() })) {
      const name = `summaries, ${type}`;
      const load = { model, mmproj: null, nCtx: 8192, batchSize: 1 };
      results[name] = await compare(given, { load, requests: noteRequests(), atOnce: 1 }, log, name);
      expect(name, results[name].ratio, SUMMARIES);
      const others = await peersOf(given, load, noteRequests(), log);
      results[name].peers = others;
      const target = {
        case: name,
        what: "tokens/s over the best peer",
        value: results[name].after / Math.max(...Object.values(others)),
        atLeast: 1,
      };
      targets.push({ ...target, ok: isMet(target) });
    }
  }
  const rows = Object.entries(results).map(([name, { before, after, ratio, accepted, drafted, differing }]) => {
    return [name, before, after, ratio, `${accepted} of ${drafted}`, differing];
  });
  log(markdown([["case", "before", "after", "ratio", "accepted", "other texts"], ...rows]));
  log(targetTable(targets));
  return { unit: "tokens/s", threads, results, targets, ok: targets.every(({ ok }) => ok) };
}

/** Each run of each build in a fresh process, by turns. */
async function compare({ systems, runs, threads }, { load, ...work }, log, name) {
  const seen = { before: [], after: [] };
  for (let run = 0; run < runs; run++) {
    for (const system of run % 2 === 0 ? ["before", "after"] : ["after", "before"]) {
      const options = { device: "cpu", nThreads: threads, ...load };
      const answers = withBuild(systems[system], options, async (build) => {
        await setTimeout(SETTLE_MS);
        return await build.call("answer", work);
      });
      seen[system].push(await answers);
    }
    const [b, a] = [seen.before.at(-1), seen.after.at(-1)];
    log(`${name}, run ${run + 1}: ${round(b.tokensPerSecond)} and ${round(a.tokensPerSecond)} tokens/s`);
  }
  const rate = (system) => median(seen[system].map(({ tokensPerSecond }) => tokensPerSecond));
  const [last] = seen.after.slice(-1);
  return {
    before: round(rate("before")),
    after: round(rate("after")),
    ratio: round(rate("after") / rate("before")),
    decodeRatio: round(
      median(seen.after.map(({ decodeTokensPerSecond: rate }) => rate)) /
        median(seen.before.map(({ decodeTokensPerSecond: rate }) => rate)),
    ),
    tokens: last.tokens,
    drafted: last.drafted,
    accepted: last.accepted,
    differing: last.texts.filter((text, i) => text !== seen.before[0].texts[i]).length,
  };
}

/** Tokens a second of each, the same prompts one by one, the median of its runs. */
async function peersOf({ runs, threads }, { model, nCtx }, requests, log) {
  // as our own chat template writes them
  const load = { device: "cpu", nThreads: threads, model, mmproj: null, nCtx };
  const prompts = await withBuild(fromRoot(), load, (build) => build.call("render", requests));
  const rates = {};
  for (const speculation of SERVER_KINDS) {
    const server = await LlamaServer.start(model, { parallel: 1, ctx: nCtx, threads, speculation, log });
    try {
      const seen = [];
      for (let run = 0; run < runs; run++) {
        await setTimeout(SETTLE_MS);
        const started = performance.now();
        let tokens = 0;
        for (const prompt of prompts)
          tokens += (await server.ask({ prompt, predict: SUMMARY_TOKENS, mayEnd: true })).tokens;
        seen.push((1000 * tokens) / (performance.now() - started));
      }
      rates[`llama-server, ${speculation}`] = round(median(seen));
    } finally {
      await server.close();
    }
  }
  const entry = nodeLlamaCpp(log);
  if (entry === undefined) throw new Error("node-llama-cpp cannot be had here");
  const worker = new Worker(new URL("./children/node-llama-cpp-predictor.mjs", import.meta.url));
  try {
    await worker.call("load", { entry, model, contextSize: nCtx, threads });
    const seen = [];
    for (let run = 0; run < runs; run++) {
      await setTimeout(SETTLE_MS);
      seen.push((await worker.call("answer", { prompts, tokens: SUMMARY_TOKENS })).tokensPerSecond);
    }
    rates["node-llama-cpp, input lookup"] = round(median(seen));
  } finally {
    await worker.close();
  }
  for (const [name, rate] of Object.entries(rates)) log(`${name}: ${rate} tokens/s`);
  return rates;
}

function pageRequests(files) {
  const jsonSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8"));
  const text = "Extract demografig, clinical disease and medication informations as JSON";
  return files.map((file) => ({
    messages: [
      {
        role: "user",
        content: [
          { type: "image", image: file },
          { type: "text", text },
        ],
      },
    ],
    jsonSchema,
    nPredict: 512,
    ...greedy,
  }));
}

/** Notes, and the same question about each. */
function noteRequests() {
  return notes().map((note) => ({
    messages: [{ role: "user", content: `${note}\n\nSummarise this note. Quote it where you can, word for word.` }],
    nPredict: SUMMARY_TOKENS,
    ...greedy,
  }));
}
