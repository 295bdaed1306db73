// clang-format over our C++: writes, or with --check only says what differs.
import { spawnSync } from "node:child_process";

import { ccFiles } from "./lib/cc-files.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { findLintTool } from "./lib/lint-tools.mjs";
import { root } from "./lib/paths.mjs";

await runMain(() => {
  const mode = process.argv.includes("--check") ? ["--dry-run", "--Werror"] : ["-i"];
  const args = [...mode, "--style=file", ...ccFiles()];
  const result = spawnSync(findLintTool("clang-format"), args, { cwd: root, stdio: "inherit" });
  if (result.status !== 0) throw new Failure('C++ files are not formatted: run "npm run format"');
});
