// What `nThreads: "auto"` is worth where another process takes a core now and then, beside every fixed number of threads.
import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";

import { mediumModel, smallModel } from "../test/support/random-model.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { withBursts } from "./lib/busy-core.mjs";
import { median, round } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { withBuild } from "./lib/with-build.mjs";

export const about =
  'tokens per second of one request with nThreads: "auto" beside fixed numbers of threads, while another process takes a core in bursts of 0.1 to 5 s';
export const options = {
  model: { type: "string", default: "small,medium" },
  runs: { type: "string", default: "3" },
  seconds: { type: "string", default: "30" },
};

const MODELS = { small: smallModel, medium: mediumModel };
/** Tokens of one request: some fifth of a second. */
const TOKENS = { small: 200, medium: 24 };
const SETTLE_MS = 500;
const ENOUGH = 0.9;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ model, runs, seconds }, log) {
  const counts = ["auto", ...Array.from({ length: availableParallelism() }, (_, i) => i + 1)];
  const results = {};
  const targets = [];
  for (const name of model.split(",")) {
    const seen = Object.fromEntries(counts.map((count) => [count, []]));
    for (let run = 0; run < Number(runs); run++) {
      // All of a run meet the same bursts, in turn.
      for (const count of run % 2 === 0 ? counts : counts.toReversed()) {
        seen[count].push(await measure(MODELS[name](), count, TOKENS[name], Number(seconds), run + 1));
      }
      log(
        `${name}, run ${run + 1}: ${counts.map((count) => `${count} ${round(seen[count].at(-1))}`).join(", ")} tokens/s`,
      );
    }
    const rates = Object.fromEntries(counts.map((count) => [count, round(median(seen[count]))]));
    const best = Math.max(...counts.filter((count) => count !== "auto").map((count) => rates[count]));
    results[name] = rates;
    const target = {
      case: name,
      what: "auto over the best fixed number",
      value: round(rates.auto / best),
      atLeast: ENOUGH,
    };
    targets.push({ ...target, ok: isMet(target) });
  }
  log(
    markdown([
      ["model", ...counts.map(String)],
      ...Object.entries(results).map(([name, rates]) => [name, ...counts.map((count) => rates[count])]),
    ]),
  );
  log(targetTable(targets));
  return { unit: "tokens/s", seconds, results, targets, ok: targets.every(({ ok }) => ok) };
}

/** Request after request for so long, in a fresh process. */
async function measure(file, nThreads, tokens, seconds, seed) {
  const load = { model: file, device: "cpu", nThreads, mmproj: null, nCtx: 4096, batchSize: 1 };
  return await withBuild(fromRoot(), load, async (build) => {
    await build.call("decode", { requests: 1, tokens });
    await setTimeout(SETTLE_MS);
    return await withBursts(seed, async () => {
      const end = performance.now() + 1000 * seconds;
      const started = performance.now();
      let done = 0;
      for (; performance.now() < end; done += tokens) await build.call("decode", { requests: 1, tokens });
      return (1000 * done) / (performance.now() - started);
    });
  });
}
