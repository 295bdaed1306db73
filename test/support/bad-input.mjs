// Runs one case of bad input in a child process, and makes the bad files.
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

import { cachedFile } from "./cached-file.mjs";
import { withoutCpuWarning } from "./node-arguments.mjs";
import { fromRoot } from "./paths.mjs";
import { SeededRandom } from "./seeded-random.mjs";

/**
 * @typedef {object} BadInputResult
 * @property {{ typed: boolean, name: string, code: string, message: string, retryable: boolean } | undefined} error
 * @property {string} after what the engine said afterwards
 * @property {number} peakMb most resident memory
 */

/**
 * @param {{ load?: unknown, request?: unknown, good: import("medinfer").LoadOptions }} badCase a load that must fail, or
 *   a request to the engine that `good` loads
 * @returns {Promise<BadInputResult>}
 */
export function runBadInput(badCase) {
  return new Promise((resolve, reject) => {
    // "advanced": NaN and bytes survive the way to the child.
    const child = fork(fromRoot("test", "support", "children", "bad-input.mjs"), {
      serialization: "advanced",
      execArgv: [withoutCpuWarning],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      timeout: 60_000,
    });
    let output = "";
    let result;
    child.stdout?.on("data", (data) => (output += data));
    child.stderr?.on("data", (data) => (output += data));
    child.on("message", (message) => (result = message));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 && result !== undefined && output === "") resolve(result);
      else reject(new Error(`the child ended with ${signal ?? code} and printed: ${output}`));
    });
    child.send(badCase);
  });
}

/** Writes a file of the cache folder and returns its path. @param {string} name @param {Uint8Array} bytes */
export const badFile = (name, bytes) => cachedFile(`bad/${name}`, bytes);

/** @param {number} size @param {number} [seed] */
export function randomBytes(size, seed = 1) {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.int(0, 255));
}

/** The first `size` bytes of a file, at another path. @param {string} file @param {number} size */
export const truncated = (file, size) =>
  badFile(`${path.basename(file)}.${size}`, readFileSync(file).subarray(0, size));

/**
 * Sizes at which to cut a file: in its magic number, its header, its metadata, its tensor list, its data, and one byte
 * before its end.
 * @param {number} size
 * @param {number} count
 */
export function cuts(size, count) {
  const early = [1, 4, 7, 8, 16, 23, 24, 33];
  const late = count - early.length - 1;
  const spread = Array.from({ length: late }, (_, i) =>
    Math.floor(40 + ((size - 50) * (i + 1) ** 2) / (late + 1) ** 2),
  );
  return [...early, ...spread, size - 1];
}
