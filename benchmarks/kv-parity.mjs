import { drawSchedule, FireRange } from "../test/support/kv-fire.mjs";

export const about =
  "random schedules on page pools that are too small, with shared prompts, images and cancellations, against a plain loop";
export const options = {
  schedules: { type: "string", default: "500" },
  from: { type: "string", default: "1" },
};

/** @param {{ schedules: string, from: string }} options @param {(line: string) => void} log */
export async function run({ schedules, from }, log) {
  const total = { requests: 0, tokens: 0, cancelled: 0, ties: 0, mismatches: [] };
  const kv = { preemptions: 0, prefixHits: 0, tokensSaved: 0, pagesEvicted: 0 };
  const range = new FireRange();
  try {
    for (let seed = Number(from); seed < Number(from) + Number(schedules); seed++) {
      const schedule = drawSchedule(seed);
      const { report, stats } = await range.run(schedule);
      for (const key of ["requests", "tokens", "cancelled", "ties"]) total[key] += report[key];
      total.mismatches.push(...report.mismatches.map((mismatch) => ({ seed, family: schedule.family, ...mismatch })));
      kv.preemptions += stats.preemptions;
      for (const key of ["prefixHits", "tokensSaved", "pagesEvicted"]) kv[key] += stats.kv[key];
      if (seed % 20 === 0) log(`schedule ${seed}: ${total.tokens} tokens, ${total.mismatches.length} mismatches`);
    }
  } finally {
    await range.close();
  }
  return { schedules: Number(schedules), ...total, ...kv, equal: total.mismatches.length === 0 };
}
