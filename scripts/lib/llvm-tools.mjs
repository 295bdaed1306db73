// clang-format and clang-tidy, one pinned version each: another version formats differently.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { Failure } from "./fail.mjs";
import { fromRoot } from "./paths.mjs";

export const llvmTools = { "clang-format": "19.1.7", "clang-tidy": "19.1.0.1" };
export const toolsDir = fromRoot("out", "tools");

/** The pinned tool from out/tools, or one on PATH of the same major version. */
export function findLlvmTool(name) {
  const major = llvmTools[name].split(".")[0];
  const own = fromRoot("out", "tools", "bin", name);
  for (const command of [own, `${name}-${major}`, name]) {
    if (command === own && !existsSync(own)) continue;
    const result = spawnSync(command, ["--version"], { encoding: "utf8" });
    if (result.status === 0 && result.stdout.includes(`version ${major}.`)) return command;
  }
  throw new Failure(
    `${name} ${major} is not installed: "npm run setup:tools" puts it into out/tools ` +
      `(or "pip install ${name}==${llvmTools[name]}")`,
  );
}
