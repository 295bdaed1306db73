// clang-tidy over our C++, or over the files named: node scripts/tidy.mjs [FILE]…
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { build } from "./build.mjs";
import { ccFiles } from "./lib/cc-files.mjs";
import { CleanResults } from "./lib/clean-results.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { findLintTool } from "./lib/lint-tools.mjs";
import { fromRoot, root } from "./lib/paths.mjs";

const database = fromRoot("out", "source");
const options = ["--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wthread-safety"];

/** Runs clang-tidy on one file; resolves with its output where it found something. */
function check(command, file) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ["-p", database, ...options, file], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let problems = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (problems += data));
    child.on("error", reject);
    child.on("close", (status) => resolve(status === 0 ? "" : output || problems));
  });
}

await runMain(async () => {
  const command = findLintTool("clang-tidy");
  if (!existsSync(path.join(database, "compile_commands.json"))) await build();
  const known = new CleanResults({
    root,
    common: [
      execFileSync(command, ["--version"], { encoding: "utf8" }),
      readFileSync(fromRoot(".clang-tidy"), "utf8"),
      options.join(" "),
    ],
    commands: JSON.parse(readFileSync(path.join(database, "compile_commands.json"), "utf8")),
  });
  const named = process.argv.slice(2);
  const queue = named.length > 0 ? named : ccFiles(["native", "bindings"]).filter((file) => file.endsWith(".cc"));
  const total = queue.length;
  let failed = 0;
  let unchanged = 0;
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const key = await known.keyOf(path.resolve(root, file));
      if (known.has(key)) {
        unchanged += 1;
        continue;
      }
      const output = await check(command, file);
      if (!output) {
        known.add(key);
        continue;
      }
      failed += 1;
      console.log(output.trim());
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  if (failed > 0) throw new Failure(`clang-tidy has something to say about ${failed} of ${total} files`);
  console.log(`clang-tidy: ${total} files, nothing found (${unchanged} as when they were checked before)`);
});
