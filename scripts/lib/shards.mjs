import { spawn } from "node:child_process";
import os from "node:os";

import { root } from "./paths.mjs";

/** GoogleTest's own shards, as many as there are cores: its tests are of one thread, most of them. */
export const shardCount = os.availableParallelism();

/**
 * Runs all shards of a program of GoogleTest at once.
 *
 * @param {string} program
 * @param {(shard: number) => string[]} argsOf of each shard
 * @param {NodeJS.ProcessEnv} environment beside the caller's
 * @returns {Promise<(number | NodeJS.Signals)[]>} how each ended: a status, or the signal that ended it
 */
export function runShards(program, argsOf, environment = {}) {
  const ends = Array.from({ length: shardCount }, (_, i) => {
    const shard = { GTEST_TOTAL_SHARDS: String(shardCount), GTEST_SHARD_INDEX: String(i) };
    const child = spawn(program, ["--gtest_brief=1", ...argsOf(i)], {
      cwd: root,
      env: { ...process.env, ...environment, ...shard },
      stdio: "inherit",
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status, signal) => resolve(status ?? signal));
    });
  });
  return Promise.all(ends);
}
