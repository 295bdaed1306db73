import { mediumModel, smallModel } from "../test/support/random-model.mjs";
import { admission, fragmentation, overload } from "./kv/admission.mjs";
import { holes, idleCache, mixedDecode } from "./kv/decode.mjs";
import { forks, sharedPrefix } from "./kv/prefix.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";

export const about =
  "what the paged KV pool is worth: requests at once, speed, shared prefixes, overload; beside llama-server and node-llama-cpp";
export const options = {
  cases: { type: "string", default: "1,2,3,4,5,6,7,8" },
  runs: { type: "string", default: "3" },
  threads: { type: "string", default: "2" },
  model: { type: "string", default: "medium" },
  quick: { type: "boolean", default: false },
};

const CASES = {
  1: admission,
  2: mixedDecode,
  3: holes,
  4: sharedPrefix,
  5: forks,
  6: fragmentation,
  7: overload,
  8: idleCache,
};
const SYSTEMS = {
  medinfer: "medinfer",
  split: "llama-server",
  unified: "llama-server -kvu",
  nodeLlamaCpp: "node-llama-cpp",
};

/**
 * `quick` is for trying the benchmark itself out: everything small, and no figure means anything.
 * @param {{ cases: string, runs: string, threads: string, model: string, quick: boolean }} chosen @param {(line: string) => void} log
 */
export async function run({ cases, runs, threads, model, quick }, log) {
  const settings = {
    model: quick || model === "small" ? smallModel() : mediumModel(),
    smallModel: smallModel(),
    threads: Number(threads),
    runs: Number(runs),
    quick,
    log,
  };
  const results = {};
  for (const name of cases.split(",")) {
    if (!CASES[name]) throw new Error(`there is no case ${name}: ${Object.keys(CASES)}`);
    const started = performance.now();
    const { figures, rows, targets } = await CASES[name](settings);
    const seconds = Math.round((performance.now() - started) / 1000);
    results[name] = { seconds, figures, rows, targets: targets.map((each) => ({ ...each, ok: isMet(each) })) };
    log(`${name}: took ${seconds} s`);
  }
  console.error(`\n${table(results)}\n`);
  const targets = Object.entries(results).flatMap(([name, { targets: list }]) =>
    list.map((each) => ({ case: Number(name), ...each })),
  );
  return {
    threads: settings.threads,
    model,
    quick,
    ok: targets.every((each) => each.ok),
    targets,
    cases: Object.fromEntries(
      Object.entries(results).map(([name, { seconds, figures }]) => [name, { seconds, ...figures }]),
    ),
  };
}

function table(results) {
  const lines = [["case", "figure", ...Object.values(SYSTEMS)]];
  for (const [name, { rows }] of Object.entries(results)) {
    for (const row of rows) lines.push([name, row.what, ...Object.keys(SYSTEMS).map((system) => row[system] ?? "–")]);
  }
  const targets = Object.entries(results).flatMap(([name, { targets: list }]) =>
    list.map((each) => ({ case: name, ...each })),
  );
  return `${markdown(lines)}\n\n${targetTable(targets)}`;
}
