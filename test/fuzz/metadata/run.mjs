// npm run fuzz:metadata -- [--minutes N | --cases N] [--seed S] [--arch A] [--projectors | --adapters] [--made FOLDER] [--replay RECIPES]
//
// Changes one to three values of a sound model's metadata (with --projectors, of a projector's, with --adapters, of a LoRA
// adapter's), or its tensors, loads the
// file in a child process and uses it. No file may end the process, hang, or fail by an error that has no code.
// The same seed draws the same cases. Findings are printed and kept as recipes, a line of JSON each; --replay runs them
// again. --made names a folder of other models (out/truth/f32, made by `npm run truth`).
import { appendFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { fromRoot } from "../../support/paths.mjs";
import { adapterBases, fuzzBases } from "./bases.mjs";
import { isFinding, MetadataFuzzer } from "./fuzz.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    cases: { type: "string" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    arch: { type: "string" },
    projectors: { type: "boolean", default: false },
    adapters: { type: "boolean", default: false },
    made: { type: "string" },
    replay: { type: "string" },
    seconds: { type: "string", default: "30" },
  },
});
const scratch = fromRoot("out", "fuzz", "metadata");
const found = fuzzBases({ scratch, projectors: values.projectors, arch: values.arch, made: values.made });
const bases = values.adapters ? adapterBases(found) : found;
const kind = values.projectors ? "projectors" : values.adapters ? "adapters" : "models";
if (bases.length === 0) throw new Error(`there is no model of ${values.arch}`);
const kinds = new Set(bases.map(({ architecture }) => architecture));
console.error(`${bases.length} files of ${kinds.size} ${values.projectors ? "kinds" : "architectures"}`);
mkdirSync(scratch, { recursive: true });
const fuzzer = new MetadataFuzzer({ bases, scratch: path.join(scratch, "cases"), seconds: Number(values.seconds) });

const show = (recipe, { state, code, message }) =>
  console.log(
    `${state} ${code ?? ""} ${JSON.stringify(recipe)}\n    ${(message ?? "").trim().split("\n").slice(-3).join("\n    ")}`,
  );

for (const [name, outcome] of Object.entries(await fuzzer.runBases())) {
  if (outcome.state !== "ran") console.error(`${name} does not run as it is: ${JSON.stringify(outcome)}`);
}

async function replay(file) {
  const recipes = readFileSync(file, "utf8").trim().split("\n");
  let wrong = 0;
  for (const line of recipes) {
    const recipe = JSON.parse(line);
    if (!bases.some(({ name }) => name === recipe.base)) continue;
    const outcome = await fuzzer.run(recipe);
    if (isFinding(outcome)) ++wrong;
    show(recipe, outcome);
  }
  console.log(`${wrong} of ${recipes.length} are findings`);
  return wrong;
}

async function fuzz() {
  const kept = path.join(scratch, `findings-${kind}-${values.seed}.jsonl`);
  rmSync(kept, { force: true });
  const begun = Date.now();
  const end = values.cases === undefined ? begun + Number(values.minutes) * 60_000 : Infinity;
  const most = values.cases === undefined ? Infinity : Number(values.cases);
  const report = await fuzzer.fuzz({
    seed: Number(values.seed),
    from: Number(values.from),
    goesOn: (cases) => {
      if (cases > 0 && cases % 500 === 0) console.error(`${cases} cases, ${Math.round((Date.now() - begun) / 1000)} s`);
      return cases < most && Date.now() < end;
    },
    onFinding: ({ recipe, outcome, alone }) => {
      show(recipe, outcome);
      if (!alone) console.log("    not alone in a fresh process");
      appendFileSync(kept, `${JSON.stringify(recipe)}\n`);
    },
  });
  const seconds = (Date.now() - begun) / 1000;
  console.log(`${report.cases} cases in ${seconds.toFixed(0)} s, seed ${values.seed}:`, report.states);
  console.log(`most memory: ${report.most.peakMb} MB, ${JSON.stringify(report.most.recipe)}`);
  const count = (state) => report.findings.filter(({ outcome }) => outcome.state === state).length;
  console.log(`${count("ended")} ended, ${count("hung")} hung, ${report.findings.length} findings`);
  return report.findings.length;
}

const wrong = values.replay === undefined ? await fuzz() : await replay(values.replay);
fuzzer.close();
process.exitCode = wrong > 0 ? 1 : 0;
