// Fuzzes a native target, or each in turn: npm run fuzz -- TARGET|all [--minutes N | --seconds N]
//
// Targets are test/fuzz/native/*_fuzz.cc. What a run learned stays in out/fuzz/corpus, and an input that fails is kept in
// out/fuzz/found: give it to out/fuzz/bin/TARGET_fuzz to see it again. Needs Clang (CLANG names another than clang).
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { seeds } from "../test/fuzz/native/seeds.mjs";
import { build } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, root } from "./lib/paths.mjs";
import { output } from "./lib/tools.mjs";

const folder = fromRoot("test", "fuzz", "native");
const ending = "_fuzz.cc";
const targets = readdirSync(folder)
  .filter((file) => file.endsWith(ending))
  .map((file) => file.slice(0, -ending.length))
  .sort();

/** Of one input: far more than any takes that is no fault. */
const mostSeconds = 10;
const mostMegabytes = 1024;
const mostBytes = 4096;

function requireClang() {
  const clang = process.env.CLANG ?? "clang";
  if (output(clang) === null) {
    throw new Failure('fuzzing needs Clang: install it with "apt-get install clang", or name it in CLANG');
  }
  return clang;
}

/** Puts the seeds beside what earlier runs found out. @param {string} target @param {string} corpus */
function plant(target, corpus) {
  mkdirSync(corpus, { recursive: true });
  for (const [i, seed] of (seeds[target]?.() ?? []).entries()) writeFileSync(path.join(corpus, `seed-${i}`), seed);
}

/** The figures that libFuzzer ends with, e.g. "number_of_executed_units: 5". @param {string} log @param {string} name */
const figure = (log, name) => Number(log.match(new RegExp(`^stat::${name}:\\s+(\\d+)`, "m"))?.[1] ?? NaN);

/** Runs a target; says in one line how it went. Whether it found nothing. @param {string} target @param {number} seconds */
function fuzz(target, seconds) {
  const out = fromRoot("out", "fuzz");
  const corpus = path.join(out, "corpus", target);
  const found = path.join(out, "found");
  plant(target, corpus);
  mkdirSync(found, { recursive: true });
  const dictionary = path.join(folder, `${target}.dict`);
  const args = [
    `-max_total_time=${seconds}`,
    `-timeout=${mostSeconds}`,
    `-rss_limit_mb=${mostMegabytes}`,
    `-max_len=${mostBytes}`,
    `-artifact_prefix=${found}${path.sep}${target}-`,
    "-print_final_stats=1",
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    corpus,
  ];
  const result = spawnSync(path.join(out, "bin", `${target}_fuzz`), args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      ASAN_OPTIONS: "detect_leaks=1:allocator_may_return_null=1",
      UBSAN_OPTIONS: "print_stacktrace=1",
    },
  });
  const log = `${result.stdout}${result.stderr}`;
  writeFileSync(path.join(out, `${target}.log`), log);
  const executed = figure(log, "number_of_executed_units");
  const covered = [...log.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
  if (result.status === 0) {
    const slowest = figure(log, "slowest_unit_time_sec");
    console.log(`${target}: ${executed} inputs, ${covered} edges covered, slowest ${slowest} s: nothing found`);
    return true;
  }
  console.log(log.split("\n").slice(-60).join("\n"));
  console.log(`${target}: FOUND something after ${executed} inputs: see out/fuzz/${target}.log and out/fuzz/found`);
  return false;
}

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: "string" }, seconds: { type: "string" } },
  });
  const [wanted] = positionals;
  if (positionals.length !== 1 || (wanted !== "all" && !targets.includes(wanted))) {
    throw new Failure(`say what to fuzz: all, ${targets.join(", ")}`);
  }
  const seconds = values.seconds === undefined ? 60 * Number(values.minutes ?? 1) : Number(values.seconds);
  if (!(seconds >= 1)) throw new Failure("--minutes or --seconds is how long each target runs: at least a second");
  const clang = requireClang();
  const chosen = wanted === "all" ? targets : [wanted];
  await build(); // whose llama.cpp is linked
  await build({
    variant: "fuzz",
    targets: chosen.map((target) => `${target}_fuzz`),
    extra: { CMAKE_C_COMPILER: clang, CMAKE_CXX_COMPILER: clang.replace(/clang(?!.*clang)/, "clang++") },
  });
  const failed = chosen.filter((target) => !fuzz(target, seconds));
  if (failed.length > 0) throw new Failure(`fuzzing found faults in ${failed.join(", ")}`);
});
