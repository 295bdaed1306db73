// Our own C++ files: what git tracks or would track, so that llama.cpp's are not among them.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

import { fromRoot, root } from "./paths.mjs";

export function ccFiles(folders = ["native", "bindings", "test"]) {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...folders];
  return execFileSync("git", args, { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((file) => /\.(cc|h)$/.test(file) && existsSync(fromRoot(file)));
}
