// Prompts that were read before and have left the pool since: pages asked again beside llama-server with its cache in host
// memory, and a long system prompt beside reading it.
import { setTimeout } from "node:timers/promises";

import { fromRoot } from "../test/support/paths.mjs";
import { mediumModel } from "../test/support/random-model.mjs";
import { workThrough } from "./lib/at-once.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { drawPages } from "./lib/pages.mjs";
import { median, round, summary } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "pages asked again with a pool that holds a quarter of them, beside llama-server; a system prompt that left the pool";
export const options = {
  runs: { type: "string", default: "3" },
  threads: { type: "string", default: "2" },
};

const PAGES = 24;
const ANSWER = 32;
/** A page takes some 830 tokens with its question and answer. */
const CTX = (PAGES / 4) * 880;
const AT_ONCE = [1, 4];
const SYSTEM = 2000;
const SETTLE_MS = 500;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, threads }, log) {
  const pages = await pagesAgain({ runs: Number(runs), threads: Number(threads) }, log);
  const system = await systemAgain({ runs: Number(runs), threads: Number(threads) }, log);
  const targets = [
    ...AT_ONCE.map((atOnce) => ({
      case: `pages, ${atOnce} at once`,
      what: "images/s over llama-server",
      value: pages[atOnce].ratio,
      atLeast: 1.2,
    })),
    { case: "system prompt", what: "its time again to its first", value: system.ratio, atMost: 0.1 },
  ].map((target) => ({ ...target, ok: isMet(target) }));
  const rows = AT_ONCE.map((n) => [n, pages[n].medinfer.median, pages[n].peer.median, pages[n].ratio]);
  log(markdown([["at once", "medinfer", "llama-server", "ratio"], ...rows]));
  log(targetTable(targets));
  return { threads, pages, system, targets, ok: targets.every(({ ok }) => ok) };
}

/** Images a second of pages that were all asked before, first tokens included. */
async function pagesAgain({ runs, threads }, log) {
  const images = drawPages(PAGES, log);
  const [model, mmproj] = ["medinfer-tiny.gguf", "medinfer-tiny-mmproj.gguf"].map((name) => fromRoot("models", name));
  const parallel = Math.max(...AT_ONCE);
  const engine = new Worker(new URL("./children/image-engine.mjs", import.meta.url));
  const load = { model, mmproj, device: "cpu", nThreads: threads, nCtx: CTX, batchSize: parallel };
  await engine.call("load", load);
  const given = { parallel, ctx: CTX, threads, unified: true, cachePrompt: true, cacheRam: true };
  const server = await LlamaServer.start(model, { ...given, mmproj, log });
  const systems = {
    medinfer: (atOnce) => engine.call("annotate", { images, answer: ANSWER, atOnce }),
    peer: (atOnce) => workThrough(images, atOnce, (image) => server.see(image, ANSWER, { cache: true })),
  };
  try {
    for (const annotate of Object.values(systems)) await annotate(1); // never seen
    const found = {};
    for (const atOnce of AT_ONCE) {
      const rates = { medinfer: [], peer: [] };
      for (let run = 0; run < runs; run++) {
        for (const [name, annotate] of Object.entries(systems)) {
          await setTimeout(SETTLE_MS);
          const started = performance.now();
          await annotate(atOnce);
          rates[name].push(round((1000 * PAGES) / (performance.now() - started)));
        }
        log(`${atOnce} at once, run ${run + 1}: ${rates.medinfer.at(-1)} and ${rates.peer.at(-1)} images/s`);
      }
      found[atOnce] = {
        medinfer: summary(rates.medinfer),
        peer: summary(rates.peer),
        ratio: round(median(rates.medinfer) / median(rates.peer)),
      };
    }
    return found;
  } finally {
    await engine.close();
    await server.close();
  }
}

/** Milliseconds to the first token behind a system prompt: read, and again when other prompts have taken its place. */
async function systemAgain({ runs, threads }, log) {
  const engine = new Worker(new URL("./children/commit.mjs", import.meta.url));
  try {
    await engine.call("use", fromRoot());
    const load = { model: mediumModel(), mmproj: null, device: "cpu", nThreads: threads, nCtx: SYSTEM + 512 };
    await engine.call("load", load);
    const first = [];
    const again = [];
    for (let run = 0; run < runs; run++) {
      first.push(await engine.call("firstToken", { tokens: SYSTEM, seed: 2 * run }));
      await engine.call("firstToken", { tokens: SYSTEM, seed: 2 * run + 1 }); // takes its place
      again.push(await engine.call("firstToken", { tokens: SYSTEM, seed: 2 * run }));
      log(`system prompt, run ${run + 1}: ${round(first.at(-1))} ms, again ${round(again.at(-1))} ms`);
    }
    return { first: round(median(first)), again: round(median(again)), ratio: round(median(again) / median(first)) };
  } finally {
    await engine.close();
  }
}
