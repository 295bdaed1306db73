// clang-tidy over our C++, or over the files named: node scripts/tidy.mjs [FILE]…
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";

import { build } from "./build.mjs";
import { ccFiles } from "./lib/cc-files.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { findLintTool } from "./lib/lint-tools.mjs";
import { fromRoot, root } from "./lib/paths.mjs";

/** Runs clang-tidy on one file; resolves with its output where it found something. */
function check(command, file) {
  return new Promise((resolve, reject) => {
    const args = [
      "--quiet",
      "-p",
      fromRoot("out", "source"),
      "--extra-arg=-Wno-unknown-warning-option",
      "--extra-arg=-Wthread-safety",
      file,
    ];
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
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
  if (!existsSync(fromRoot("out", "source", "compile_commands.json"))) await build();
  const named = process.argv.slice(2);
  const queue = named.length > 0 ? named : ccFiles(["native", "bindings"]).filter((file) => file.endsWith(".cc"));
  const total = queue.length;
  let failed = 0;
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const output = await check(command, file);
      if (!output) continue;
      failed += 1;
      console.log(output.trim());
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  if (failed > 0) throw new Failure(`clang-tidy has something to say about ${failed} of ${total} files`);
  console.log(`clang-tidy: ${total} files, nothing found`);
});
