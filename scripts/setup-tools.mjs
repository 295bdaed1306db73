// Puts clang-format and clang-tidy into out/tools, a Python environment of the project's own.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

import { Failure, runMain } from "./lib/fail.mjs";
import { llvmTools, toolsDir } from "./lib/llvm-tools.mjs";

function run(command, args, advice) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) throw new Failure(advice);
}

await runMain(() => {
  const pip = path.join(toolsDir, "bin", "pip");
  if (!existsSync(pip)) {
    const advice = 'setup:tools needs Python\'s venv: "apt-get install python3-venv"';
    run("python3", ["-m", "venv", "--clear", toolsDir], advice);
  }
  const wanted = Object.entries(llvmTools).map(([name, version]) => `${name}==${version}`);
  const options = ["--quiet", "--disable-pip-version-check"];
  run(pip, ["install", ...options, ...wanted], `pip could not install ${wanted.join(" ")}`);
});
