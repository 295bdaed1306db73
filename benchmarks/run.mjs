// Runs one benchmark: node benchmarks/run.mjs NAME [--json] [its options]
//
// Progress goes to stderr. The last line of stdout is the result, with --json as one JSON object on one line.
// `node benchmarks/run.mjs --help` lists names and options, `NAME --help` those of one. Where answers are wrong (`equal` is false) it ends with 1;
// figures that miss a target are no failure, for they depend on the machine.
import { parseArgs } from "node:util";

import { machine } from "./lib/machine.mjs";

const names = [
  "accuracy",
  "confidence",
  "queue",
  "annotate",
  "event-loop",
  "abort",
  "throughput",
  "embeddings",
  "images",
  "drafts",
  "again",
  "draft-parity",
  "threads",
  "adapters",
  "kv",
  "parity",
  "kv-parity",
  "micro",
  "sampling",
  "tokenize",
  "gpu",
  "before",
  "inter-token",
  "sse",
  "metrics",
  "server",
];

/** Says what benchmarks there are, or what the named one measures, and ends. */
async function help(shown, status) {
  for (const each of shown) {
    const { about, options } = await import(`./${each}.mjs`);
    console.error(`${each}\n  ${about}`);
    for (const [option, { default: value }] of Object.entries(options)) {
      console.error(`  --${option}${value === undefined ? "" : ` (${value})`}`);
    }
  }
  process.exit(status);
}

const [name, ...rest] = process.argv.slice(2);
if (!names.includes(name)) await help(names, name === "--help" ? 0 : 2);
if (rest.includes("--help")) await help([name], 0);

const { options, run } = await import(`./${name}.mjs`);
let values;
try {
  ({ values } = parseArgs({ args: rest, options: { ...options, json: { type: "boolean", default: false } } }));
} catch (error) {
  console.error(`${name}: ${error.message}`);
  await help([name], 2);
}
const { json, ...chosen } = values;
const started = performance.now();
const where = machine();
const result = await run(chosen, (line) => console.error(`${name}: ${line}`));
const report = {
  benchmark: name,
  machine: where,
  seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
  ...result,
};
console.log(JSON.stringify(report, null, json ? 0 : 2));
if (result.equal === false) process.exitCode = 1;
