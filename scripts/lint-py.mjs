// ruff over all our Python, mypy over that of the embedded model, of the makers' tiny models and of the module for Spark.
import { spawnSync } from "node:child_process";

import { Failure, runMain } from "./lib/fail.mjs";
import { findLintTool } from "./lib/lint-tools.mjs";
import { fromRoot } from "./lib/paths.mjs";

const models = fromRoot("models");
const makers = fromRoot("test", "truth", "makers");
const spark = fromRoot("python", "medinfer_spark");
const checks = [
  ["ruff", ["check", "--quiet", "--no-cache", "."]],
  ["ruff", ["check", "--quiet", "--no-cache", "--config", "pyproject.toml", "../benchmarks", "../test", "../packages"]],
  ["mypy", ["--no-error-summary", "--cache-dir", fromRoot("out", "mypy"), "."]],
  [
    "mypy",
    ["--no-error-summary", "--cache-dir", fromRoot("out", "mypy-truth"), "--config-file", "pyproject.toml", makers],
  ],
  ["ruff", ["check", "--quiet", "--no-cache", "."], spark],
  ["mypy", ["--no-error-summary", "--cache-dir", fromRoot("out", "mypy-spark"), "."], spark],
];

await runMain(() => {
  const failed = checks.filter(([name, args, cwd = models]) => {
    const result = spawnSync(findLintTool(name), args, { cwd, stdio: "inherit" });
    return result.status !== 0;
  });
  if (failed.length > 0) throw new Failure(`${failed.map(([name]) => name).join(" and ")}: see above`);
});
