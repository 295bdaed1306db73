// The native test tools (test/support/tools): found, or built where they are missing or older than their source.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createHash } from "node:crypto";
import path from "node:path";

import { cacheDir, fromRoot } from "./paths.mjs";

const sourceDir = fromRoot("test", "support", "tools");
const targets = [
  "random_gguf",
  "plain_loop",
  "plain_embed",
  "random_answers",
  "requantize",
  "fake_cuda_driver",
  "fake_cuda_backend",
];
const sources = readdirSync(sourceDir)
  .filter((name) => /\.(cc|h)$/.test(name))
  .map((name) => path.join(sourceDir, name));

/** Changes when the writer of models does: part of the name of every file that it made. */
export const writerDigest = createHash("sha256")
  .update(
    sources
      .filter((file) => !/(plain_loop|plain_embed|random_answers|requantize)\.cc$/.test(file))
      .map((file) => readFileSync(file, "utf8"))
      .join("\0"),
  )
  .digest("hex");

const binary = (name) => fromRoot("out", "source", "bin", process.platform === "win32" ? `${name}.exe` : name);

const isFresh = (file) =>
  existsSync(file) && sources.every((source) => statSync(source).mtimeMs <= statSync(file).mtimeMs);

/**
 * The path of a tool. Several test files may ask at once: one builds, the others wait.
 * @param {"random_gguf" | "plain_loop" | "plain_embed" | "random_answers" | "requantize"} name
 * @returns {string}
 */
export function tool(name) {
  if (isFresh(binary(name))) return binary(name);
  withLock("tools", () => {
    if (isFresh(binary(name))) return;
    const wanted = targets.flatMap((target) => ["--target", target]);
    const build = [fromRoot("scripts", "build.mjs"), "--tests", ...wanted];
    const result = spawnSync(process.execPath, build, { encoding: "utf8" });
    if (result.status !== 0) {
      throw new Error(`the test tools could not be built:\n${result.stdout}${result.stderr}`);
    }
  });
  return binary(name);
}

/** The folder of a libcuda.so.1 that answers as MEDINFER_FAKE_CUDA says, and of a libggml-cuda.so that is none. */
export function fakeCudaDir() {
  tool("random_gguf");
  return fromRoot("out", "source", "bin", "fake-cuda");
}

/**
 * Runs `work` while no other process runs work under the same name. A lock that its owner left behind (killed) is
 * taken over after ten minutes.
 * @template T
 * @param {string} name
 * @param {() => T} work
 * @returns {T}
 */
export function withLock(name, work) {
  const lock = path.join(cacheDir, `${name}.lock`);
  const deadline = Date.now() + 600_000;
  mkdirSync(cacheDir, { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (Date.now() > deadline) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
