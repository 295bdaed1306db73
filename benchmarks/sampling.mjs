import { execFileSync } from "node:child_process";

import { build } from "../scripts/build.mjs";
import { fromRoot } from "../test/support/paths.mjs";

export const about = "microseconds per token of the seed's sampling chain, beside llama.cpp's own chain";
export const options = { rounds: { type: "string", default: "40" } };

const VOCABULARIES = [32_000, 128_256];
const TEMPERATURES = [0.05, 0.8];
const MOST = 1.1;

/** @param {{ rounds: string }} chosen @param {(line: string) => void} log */
export async function run({ rounds }, log) {
  await build({ tests: true, targets: ["bench_sampling"] });
  const program = fromRoot("out", "source", "bin", "bench_sampling");
  const cases = [];
  for (const nVocab of VOCABULARIES) {
    for (const temperature of TEMPERATURES) {
      const output = execFileSync(program, [nVocab, temperature, rounds].map(String), { encoding: "utf8" });
      const { oursUs, llamaUs, tokens } = JSON.parse(output);
      const ratio = Number((oursUs / llamaUs).toFixed(3));
      log(`${nVocab} tokens, temperature ${temperature}: ${oursUs} µs, llama.cpp ${llamaUs} µs, ${ratio} of it`);
      cases.push({ nVocab, temperature, oursUs, llamaUs, ratio, tokens });
    }
  }
  return { ok: cases.every(({ ratio }) => ratio <= MOST), cases };
}
