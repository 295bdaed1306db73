import { TIE } from "../test/support/parity.mjs";
import { drawSchedule, FireRange } from "../test/support/kv-fire.mjs";
import { rootMeanSquare, round } from "./lib/stats.mjs";

export const about =
  "random schedules on page pools that are too small, with shared prompts, images and cancellations, against a plain loop";
export const options = {
  schedules: { type: "string", default: "500" },
  from: { type: "string", default: "1" },
};

/** Of so many schedules one measures how far the plain loop is from itself. */
const NOISE_EVERY = 10;

/** @param {number[]} distances */
const spread = (distances) => ({
  tokens: distances.length,
  rms: round(rootMeanSquare(distances)),
  max: round(distances.reduce((max, distance) => Math.max(max, distance), 0)),
  aboveTie: distances.filter((distance) => distance > TIE).length,
});

/** @param {{ schedules: string, from: string }} options @param {(line: string) => void} log */
export async function run({ schedules, from }, log) {
  const total = { requests: 0, tokens: 0, cancelled: 0, ties: 0, mismatches: [] };
  const kv = { preemptions: 0, prefixHits: 0, tokensSaved: 0, pagesEvicted: 0 };
  const noise = [];
  const range = new FireRange();
  try {
    for (let seed = Number(from); seed < Number(from) + Number(schedules); seed++) {
      const schedule = drawSchedule(seed);
      const { report, answers, stats } = await range.run(schedule);
      for (const key of ["requests", "tokens", "cancelled", "ties"]) total[key] += report[key];
      total.mismatches.push(...report.mismatches.map((mismatch) => ({ seed, family: schedule.family, ...mismatch })));
      kv.preemptions += stats.preemptions;
      for (const key of ["prefixHits", "tokensSaved", "pagesEvicted"]) kv[key] += stats.kv[key];
      if (seed % NOISE_EVERY === 0) noise.push(...(await range.noise(schedule, answers)));
      if (seed % 20 === 0) log(`schedule ${seed}: ${total.tokens} tokens, ${total.mismatches.length} mismatches`);
    }
  } finally {
    await range.close();
  }
  const equal = total.mismatches.length === 0;
  return { schedules: Number(schedules), ...total, ...kv, noise: spread(noise), equal };
}
