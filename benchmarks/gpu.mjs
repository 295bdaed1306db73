import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../test/support/paths.mjs";
import { decode, prefix } from "./gpu/batch.mjs";
import { device, limits, prepare } from "./gpu/host.mjs";
import { images } from "./gpu/images.mjs";
import { parity } from "./gpu/parity.mjs";
import { single } from "./gpu/single.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { lineChart } from "./lib/line-chart.mjs";
import { round } from "./lib/stats.mjs";

export const about =
  "a GPU host: parity with the CPU, speed beside llama-bench and llama-server, images, memory; each as a share of its limit";
export const options = {
  cases: { type: "string", default: "parity,single,decode,prefix,images" },
  runs: { type: "string", default: "3" },
  out: { type: "string", default: fromRoot("out", "bench", "gpu") },
  cpu: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
};

const CASES = { parity, single, decode, prefix, images };
const PEERS = { single: "llama-bench", decode: "llama-server", prefix: "llama-server" };

/**
 * `quick` makes everything tiny and `cpu` leaves the GPU out: for trying the benchmark itself. Files are written after every
 * case, so that a run that is cut off leaves what it has.
 * @param {{ cases: string, runs: string, out: string, cpu: boolean, quick: boolean }} chosen @param {(line: string) => void} log
 */
export async function run({ cases, runs, out, cpu, quick }, log) {
  const gpu = !cpu;
  const names = cases.split(",");
  for (const name of names) if (!CASES[name]) throw new Error(`there is no case ${name}: ${Object.keys(CASES)}`);
  const peers = new Set(names.map((name) => PEERS[name]).filter(Boolean));
  prepare({ gpu, peers: [...peers], log });
  const most = limits({ gpu, quick });
  log(`${most.description}: ${round(most.bytesPerSecond / 1e9)} GB/s, ${round(most.flopPerSecond / 1e12)} TFLOP/s`);
  const result = {
    device: (gpu && device()) || most.description,
    limits: most,
    quick,
    ok: true,
    targets: [],
    cases: {},
  };
  const parts = [
    `# ${most.description}`,
    `It moves ${round(most.bytesPerSecond / 1e9)} GB/s, a product of F16 matrices takes ${round(most.flopPerSecond / 1e12)} TFLOP/s.`,
  ];
  mkdirSync(out, { recursive: true });
  for (const name of names) {
    const started = performance.now();
    const { figures, head, rows, plot, targets } = await CASES[name]({
      gpu,
      quick,
      runs: Number(runs),
      limits: most,
      log,
    });
    const seconds = Math.round((performance.now() - started) / 1000);
    result.cases[name] = { seconds, ...figures };
    result.targets.push(...targets.map((each) => ({ case: name, ...each, ok: isMet(each) })));
    result.ok = result.targets.every((each) => each.ok);
    parts.push(`## ${name}`, markdown([head, ...rows]));
    if (plot) writeFileSync(path.join(out, `${name}.svg`), lineChart(plot));
    writeFileSync(path.join(out, "gpu.json"), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(path.join(out, "gpu.md"), `${[...parts, "## targets", targetTable(result.targets)].join("\n\n")}\n`);
    log(`${name}: took ${seconds} s`);
  }
  console.error(`\n${[...parts, targetTable(result.targets)].join("\n\n")}\n`);
  return result;
}
