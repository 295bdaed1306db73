// Many pages as a batch: images a second on a queue, without one, and beside llama-server as it was released.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";

import { startPostgres } from "../test/support/postgres.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { workThrough } from "./lib/at-once.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { drawPages } from "./lib/pages.mjs";
import { round } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "pages a second through a batch's queue and without it, beside llama-server with its best concurrency";
export const options = {
  pages: { type: "string", default: "500" },
  threads: { type: "string", default: "2" },
  batch: { type: "string", default: "8" },
  tries: { type: "string", default: "1,2,4,8" },
};

const PROMPT = "Extract demografig, clinical disease and medication informations";
/** Tokens of the longest answers, which the model ends itself before. */
const MOST = 400;
const CTX = 16_384;
/** Pages by which the peer's best concurrency is found. */
const TRIED = 16;
const SETTLE_MS = 1000;
const LEAST_RATIO = 2;
const MOST_OVERHEAD = 0.02;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ pages, threads, batch, tries }, log) {
  const concurrencies = tries.split(",").map(Number);
  const drawn = drawPages(Number(pages) + TRIED * (concurrencies.length + 1), log);
  const images = drawn.splice(0, Number(pages));
  const rates = {};
  const time = async (name, work) => {
    await setTimeout(SETTLE_MS);
    const began = performance.now();
    const found = await work();
    const seconds = (performance.now() - began) / 1000;
    rates[name] = round(images.length / seconds);
    log(`${name}: ${rates[name]} pages/s${found === undefined ? "" : ` ${JSON.stringify(found)}`}`);
    return seconds;
  };
  const model = fromRoot("models", "medinfer-tiny.gguf");
  const mmproj = fromRoot("models", "medinfer-tiny-mmproj.gguf");

  const postgres = await startPostgres();
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-queue-"));
  const engine = new Worker(new URL("./children/annotate-job.mjs", import.meta.url));
  const seconds = {};
  try {
    // No page of a run before is remembered: embeddings would be found in the cache.
    const load = { nThreads: Number(threads), nCtx: CTX, batchSize: Number(batch), imageCacheBytes: 0 };
    await engine.call("load", { ...load, kv: { prefixCache: false } });
    const asked = { images, prompt: PROMPT, most: MOST };
    await engine.call("alone", { ...asked, images: drawn.splice(0, TRIED) });
    seconds.alone = await time("engine.annotate", () => engine.call("alone", asked));
    const onQueue = (url) => () => engine.call("queued", { ...asked, url, run: "measured" });
    seconds.postgres = await time("on PostgreSQL", onQueue(postgres.url()));
    seconds.folder = await time("in a folder", onQueue(`dir:${path.join(folder, "queue")}`));
    seconds.again = await time("engine.annotate, again", () => engine.call("alone", asked));
  } finally {
    await engine.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }

  const parallel = Math.max(...concurrencies);
  const server = await LlamaServer.start(model, { parallel, ctx: CTX, threads, unified: true, mmproj, log });
  let best = 1;
  try {
    let fastest = Infinity;
    for (const atOnce of concurrencies) {
      const some = drawn.splice(0, TRIED);
      const began = performance.now();
      await workThrough(some, atOnce, (image) => server.read(image, PROMPT, MOST));
      const took = performance.now() - began;
      log(`llama-server, ${atOnce} at once: ${round((1000 * some.length) / took)} pages/s of ${TRIED}`);
      if (took < fastest) [fastest, best] = [took, atOnce];
    }
    seconds.peer = await time("llama-server", async () => {
      const tokens = await workThrough(images, best, (image) => server.read(image, PROMPT, MOST));
      return { atOnce: best, tokens: tokens.reduce((sum, each) => sum + each, 0) };
    });
  } finally {
    await server.close();
  }

  // The machine's speed drifts: what is without a queue is measured before and behind.
  const plain = (seconds.alone + seconds.again) / 2;
  const targets = [
    ...["postgres", "folder"].map((name) => ({
      case: name,
      what: "pages/s over llama-server",
      value: round(seconds.peer / seconds[name]),
      atLeast: LEAST_RATIO,
    })),
    ...["postgres", "folder"].map((name) => ({
      case: name,
      what: "time over engine.annotate",
      value: Math.round((seconds[name] / plain - 1) * 10_000) / 10_000,
      atMost: MOST_OVERHEAD,
    })),
  ].map((target) => ({ ...target, ok: isMet(target) }));
  log(markdown([["system", "pages/s"], ...Object.entries(rates)]));
  log("node-llama-cpp reads no images");
  log(targetTable(targets));
  return { pages: images.length, threads, rates, best, targets, ok: targets.every(({ ok }) => ok) };
}
