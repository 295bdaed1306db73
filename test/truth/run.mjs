// npm run truth [-- FAMILY …] [-- --type f32|f16] [-- --store]
//
// Makes tiny models in their makers' own code (test/truth/makers), converts them, and compares what the engine gives with
// what the makers' code gives: image features, and the whole distribution at every position of an answer. Families are
// named as "text/llama" or "vision/"; without any all are compared in F32, images in F16 as well, and docs/truth.md is written.
// --store also writes the cases that CI compares (test/truth/stored): the smallest of each kind.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import * as prettier from "prettier";

import { fromRoot } from "../support/paths.mjs";
import { compare, faults } from "./compare.mjs";
import { makersPython, megabytes, run } from "./python.mjs";
import { storeCases } from "./store.mjs";
import { writeTable } from "./table.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { type: { type: "string" }, store: { type: "boolean", default: false } },
});
const types = values.type === undefined ? ["f32", "f16"] : [values.type];
const out = fromRoot("out", "truth");
const log = (line) => console.error(`truth: ${line}`);
const python = await makersPython(out, log);
const begun = performance.now();
const minutes = () => (performance.now() - begun) / 60_000;

async function compareAll(type) {
  const folder = path.join(out, type);
  mkdirSync(folder, { recursive: true });
  // Rounded to F16, texts part for reasons of their own: between two experts that are nearly equal, another is chosen.
  const families = positionals.length > 0 ? positionals : type === "f16" ? ["vision/"] : [];
  log(`making ${families.join(", ") || "all families"} in ${type}`);
  const args = ["-m", "makers", folder, ...families, "--type", type];
  const status = await run(python, args, { cwd: fromRoot("test", "truth") });
  if (status !== 0) process.exitCode = 1;
  const results = new Map();
  for (const name of JSON.parse(readFileSync(path.join(folder, "made.json"), "utf8"))) {
    const comparison = await compare(path.join(folder, name), path.join(folder, "pictures"));
    const wrong = faults(comparison);
    if (wrong.length > 0) process.exitCode = 1;
    const largest = Math.max(0, ...Object.values(comparison.features));
    const parts = [
      ...(comparison.case.features ? [`features ${largest.toExponential(1)}`] : []),
      ...(comparison.logits === null ? [] : [`logits ${comparison.logits.toExponential(1)}`]),
    ];
    log(`${type} ${name}: ${parts.join(", ")}${wrong.length > 0 ? `: WRONG: ${wrong.join("; ")}` : ""}`);
    results.set(name, comparison);
  }
  return results;
}

const results = {};
for (const type of types) results[type] = await compareAll(type);
if (values.store) {
  const cases = new Map([...results.f32].map(([name, comparison]) => [name, comparison.case]));
  const stored = storeCases(cases, path.join(out, "f32"));
  log(`stored ${stored.cases} cases in ${stored.bytes} bytes`);
}
const cost = { minutes: minutes(), megabytes: megabytes(out) };
log(`${cost.minutes.toFixed(1)} minutes, ${cost.megabytes} MB in ${out}`);
if (positionals.length === 0 && types.length === 2) {
  const page = fromRoot("docs", "truth.md");
  const style = await prettier.resolveConfig(page);
  writeFileSync(page, await prettier.format(writeTable(results, cost), { ...style, filepath: page }));
  log("wrote docs/truth.md");
}
