// The linters that npm does not have, one pinned version each: another version formats, or complains, differently.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { Failure } from "./fail.mjs";
import { fromRoot } from "./paths.mjs";

export const lintTools = { "clang-format": "19.1.7", "clang-tidy": "19.1.0.1", ruff: "0.17.6", mypy: "2.4.1" };
export const toolsDir = fromRoot("out", "tools");

/** The pinned tool from out/tools, or one on PATH of the same major version. */
export function findLintTool(name) {
  const major = lintTools[name].split(".")[0];
  const pattern = new RegExp(`(version|${name}) ${major}\\.`);
  const own = fromRoot("out", "tools", "bin", name);
  for (const command of [own, `${name}-${major}`, name]) {
    if (command === own && !existsSync(own)) continue;
    const result = spawnSync(command, ["--version"], { encoding: "utf8" });
    if (result.status === 0 && pattern.test(result.stdout)) return command;
  }
  throw new Failure(
    `${name} ${lintTools[name]} is not installed: "npm run setup:tools" puts it into out/tools ` +
      `(or "pip install ${name}==${lintTools[name]}")`,
  );
}
