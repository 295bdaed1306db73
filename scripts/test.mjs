// Runs test suites, fast ones first, and ends with one line that counts what they reported:
//
//   node scripts/test.mjs [--summary] [SUITE]…      (default: all but package, clients and models)
//
// --summary runs nothing and adds up what the suites counted since out/test-results was last removed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { buildTypeScript } from "./build-ts.mjs";
import { build } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, root } from "./lib/paths.mjs";
import { runShards, shardCount } from "./lib/shards.mjs";

const suites = [
  "scheduling",
  "native",
  "unit",
  "types",
  "engine",
  "lifetime",
  "packages",
  "package",
  "clients",
  "models",
];
/** Suites of GoogleTest; that of the scheduler is a program without llama.cpp. */
const nativePrograms = { scheduling: "medinfer_scheduling_tests", native: "medinfer_tests" };
/** Not by default: what packs and installs tarballs, and what fetches clients or weights. */
const whenAsked = ["package", "clients", "models"];
const byDefault = suites.filter((name) => !whenAsked.includes(name));
const resultsDir = fromRoot("out", "test-results");
const countsFile = path.join(resultsDir, "counts.json");
const reportOf = (suite) => path.join(resultsDir, `${suite}.json`);

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: "inherit" }).status === 0;
}

async function runNative(suite) {
  const program = fromRoot("out", "source", "bin", nativePrograms[suite]);
  const shards = Array.from({ length: shardCount }, (_, i) => `${reportOf(suite)}.${i}`);
  const ends = await runShards(program, (shard) => [`--gtest_output=json:${shards[shard]}`]);
  const reports = shards.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, "utf8")));
  const sum = (field) => reports.reduce((total, report) => total + (report[field] ?? 0), 0);
  const joined = {
    tests: sum("tests"),
    failures: sum("failures"),
    errors: sum("errors"),
    disabled: sum("disabled"),
    testsuites: reports.flatMap((report) => report.testsuites),
  };
  if (reports.length > 0) writeFileSync(reportOf(suite), JSON.stringify(joined));
  for (const file of shards) rmSync(file, { force: true });
  return ends.every((end) => end === 0);
}

async function runSuite(suite) {
  if (suite in nativePrograms) return runNative(suite);
  const vitest = fromRoot("node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportOf(suite)}`];
  return run(process.execPath, [vitest, "run", "--project", suite, ...reporters]);
}

/** Passed and failed tests of one report, GoogleTest's or vitest's. */
function countsOf(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  if ("testsuites" in report) {
    const failed = report.failures + (report.errors ?? 0);
    return { passed: report.tests - failed - (report.disabled ?? 0), failed };
  }
  // A file that cannot be loaded reports no tests: it counts as one that failed.
  const broken = report.testResults.filter(
    (result) => result.status === "failed" && result.assertionResults.length === 0,
  ).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken };
}

/** Names and first lines of what failed in one report: the end of a long log has to say it. */
function failuresOf(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  const firstLines = (text) => text.split("\n").slice(0, 6).join("\n    ");
  if ("testsuites" in report) {
    const tests = report.testsuites.flatMap((suite) => suite.testsuite);
    return tests
      .filter((test) => test.failures !== undefined)
      .map((test) => `${test.classname}.${test.name}\n    ${firstLines(test.failures[0].failure)}`);
  }
  return report.testResults.flatMap((result) => {
    const name = path.relative(root, result.name);
    const failed = result.assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && result.status === "failed") return [`${name}\n    ${firstLines(result.message)}`];
    return failed.map((test) => `${name}: ${test.fullName}\n    ${firstLines(test.failureMessages.join("\n"))}`);
  });
}

/** The counts of one suite; a suite that ended without a good report has failed as a whole. */
function resultOf(suite, succeeded) {
  const counts = existsSync(reportOf(suite)) ? countsOf(reportOf(suite)) : { passed: 0, failed: 0 };
  if (!succeeded && counts.failed === 0) counts.failed = 1;
  return counts;
}

function recordedCounts() {
  return existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, "utf8")) : {};
}

function printSummary(results) {
  let passed = 0;
  let failed = 0;
  console.log("");
  for (const [suite, counts] of Object.entries(results)) {
    if (counts.failed > 0 && existsSync(reportOf(suite))) console.log(failuresOf(reportOf(suite)).join("\n"));
    console.log(`${suite.padEnd(11)} ${counts.passed} passed, ${counts.failed} failed`);
    passed += counts.passed;
    failed += counts.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { summary: { type: "boolean", default: false } },
  });
  const unknown = positionals.find((name) => !suites.includes(name));
  if (unknown) throw new Failure(`there is no suite "${unknown}": ${suites.join(", ")}`);

  mkdirSync(resultsDir, { recursive: true });
  if (values.summary) return printSummary(recordedCounts());

  const wanted = positionals.length > 0 ? suites.filter((name) => positionals.includes(name)) : byDefault;
  await build({ tests: wanted.some((suite) => suite in nativePrograms || suite === "engine") });
  buildTypeScript();
  const results = {};
  for (const suite of wanted) {
    console.log(`\n== ${suite}`);
    rmSync(reportOf(suite), { force: true });
    results[suite] = resultOf(suite, await runSuite(suite));
    writeFileSync(countsFile, JSON.stringify({ ...recordedCounts(), [suite]: results[suite] }));
  }
  printSummary(results);
});
