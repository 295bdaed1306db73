import { setTimeout } from "node:timers/promises";

import { mediumModel } from "../test/support/random-model.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { percentile, round } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "the gap between tokens of 8 streams while long prompts arrive, against the same streams alone, also of another commit";
export const options = {
  before: { type: "string" },
  runs: { type: "string", default: "30" },
  streams: { type: "string", default: "8" },
  prompts: { type: "string", default: "10" },
  characters: { type: "string", default: "100000" },
};

const SETTLE_MS = 300;

/**
 * What the arrivals cost is measured apart from what their prefill costs: the prompts have more tokens than a request's
 * context holds, so that each is read, counted and refused, and no token of it is decoded.
 *
 * @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log
 */
export async function run({ before, runs, streams, prompts, characters }, log) {
  const systems = { after: fromRoot(), ...(before === undefined ? {} : { before }) };
  const gaps = {};
  for (let i = 0; i < Number(runs); ++i) {
    for (const [system, root] of Object.entries(systems)) {
      const worker = new Worker(new URL("./children/inter-token.mjs", import.meta.url));
      try {
        await worker.call("load", { root, model: mediumModel(), streams: Number(streams) });
        await setTimeout(SETTLE_MS);
        const found = await worker.call("measure", { prompts: Number(prompts), characters: Number(characters) });
        const kept = (gaps[system] ??= { alone: [], beside: [], refusedMs: [] });
        kept.alone.push(...found.alone);
        kept.beside.push(...found.beside);
        kept.refusedMs.push(...found.refusedMs);
      } finally {
        await worker.close();
      }
    }
  }
  const results = {};
  for (const [system, { alone, beside, refusedMs }] of Object.entries(gaps)) {
    const of = (samples) =>
      Object.fromEntries([0.5, 0.9, 0.99, 1].map((share) => [`p${share * 100}`, round(percentile(samples, share))]));
    const ratio = round(percentile(beside, 0.99) / percentile(alone, 0.99));
    results[system] = {
      alone: of(alone),
      beside: of(beside),
      gaps: beside.length,
      refused: refusedMs.length,
      refusedMs: of(refusedMs),
      p99Ratio: ratio,
    };
    log(`${system}: ${JSON.stringify(results[system])}`);
  }
  return { unit: "ms", results };
}
