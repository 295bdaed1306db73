import { compare, drawRequests, engineOutcomes, pictures, plainAnswers } from "../test/support/parity.mjs";
import { tinyModel, tinyPairs } from "../test/support/random-model.mjs";

export const about =
  "random requests that arrive at random times, some cancelled, against a plain llama.cpp loop, token for token";
export const options = {
  seeds: { type: "string", default: "3" },
  count: { type: "string", default: "64" },
};

/** @param {{ seeds: string, count: string }} options @param {(line: string) => void} log */
export async function run({ seeds, count }, log) {
  const cases = [];
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const text = drawRequests({ count: Number(count), seed });
    const mixed = drawRequests({ count: Number(count), seed, images: pictures() });
    for (const kv of ["f16", "f32"]) {
      cases.push({ what: "text", pair: { model: tinyModel() }, requests: text, kv, seed });
      for (const [family, pair] of Object.entries(tinyPairs)) {
        cases.push({ what: family, pair: pair(), requests: mixed, kv, seed });
      }
    }
  }

  const total = { requests: 0, tokens: 0, cancelled: 0, ties: 0, mismatches: [] };
  for (const { what, pair, requests, kv, seed } of cases) {
    const { model, mmproj = null } = pair;
    const answers = await plainAnswers(requests, model, { kv, ...(mmproj && { mmproj }) });
    for (const batchSize of [1, 4, 16]) {
      const { outcomes } = await engineOutcomes(requests, {
        model,
        mmproj,
        batchSize,
        nCtx: 4096,
        nUbatch: seed % 2 === 0 ? 512 : 64,
        kv: { type: kv },
      });
      const report = compare(requests, answers, outcomes);
      const where = `${what}, ${kv}, batch of ${batchSize}, seed ${seed}`;
      log(`${where}: ${report.tokens} tokens, ${report.ties} ties, ${report.mismatches.length} mismatches`);
      for (const key of ["requests", "tokens", "cancelled", "ties"]) total[key] += report[key];
      total.mismatches.push(...report.mismatches.map((mismatch) => ({ where, ...mismatch })));
    }
  }
  return { ...total, equal: total.mismatches.length === 0 };
}
