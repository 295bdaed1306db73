import { mediumModel } from "../test/support/random-model.mjs";
import { percentile, round } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about = "from abort() to the rejection, in a prefill of 4,000 tokens, against the time of one ubatch";
export const options = {
  tokens: { type: "string", default: "4000" },
  ubatch: { type: "string", default: "512" },
  aborts: { type: "string", default: "10" },
};

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ tokens, ubatch, aborts }, log) {
  const worker = new Worker(new URL("./children/abort.mjs", import.meta.url));
  try {
    const { ubatches, ubatchMs, latencies } = await worker.call("measure", {
      model: mediumModel(),
      tokens: Number(tokens),
      ubatch: Number(ubatch),
      aborts: Number(aborts),
    });
    const longest = Math.max(...latencies);
    log(`one ubatch ${round(ubatchMs)} ms; abort to rejection at most ${round(longest)} ms`);
    return {
      tokens: Number(tokens),
      nUbatch: Number(ubatch),
      fullUbatches: ubatches,
      ubatchMs: round(ubatchMs),
      abortMs: { median: round(percentile(latencies, 0.5)), longest: round(longest), aborts: latencies.length },
      ok: longest <= ubatchMs,
    };
  } finally {
    await worker.close();
  }
}
