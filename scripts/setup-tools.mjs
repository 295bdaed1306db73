// Puts the linters that npm does not have into out/tools, a Python environment of the project's own.
import { spawnSync } from "node:child_process";
import path from "node:path";

import { Failure, runMain } from "./lib/fail.mjs";
import { lintTools, toolsDir } from "./lib/lint-tools.mjs";

function run(command, args, advice) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) throw new Failure(advice);
}

await runMain(() => {
  // Without python3-venv there is a bin/python after the failure, but no bin/pip; and where the folder was moved its
  // scripts do not run.
  if (spawnSync(path.join(toolsDir, "bin", "pip"), ["--version"]).status !== 0) {
    const advice = 'setup:tools needs Python\'s venv: "apt-get install python3-venv"';
    run("python3", ["-m", "venv", "--clear", toolsDir], advice);
  }
  const wanted = Object.entries(lintTools).map(([name, version]) => `${name}==${version}`);
  // By -m: of a copied folder bin/pip would install into the original.
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  run(path.join(toolsDir, "bin", "python"), [...pip, ...wanted], `pip could not install ${wanted.join(" ")}`);
});
