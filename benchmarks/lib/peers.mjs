// llama.cpp's own programs, built on demand from the same source as the addon.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";

import { jobs } from "../../scripts/build.mjs";
import { fromRoot } from "../../test/support/paths.mjs";

const folder = fromRoot("out", "peers");
/** What the server's largest files take. */
const compilerGb = 2;
const built = new Set();

/**
 * The path of a program: built where it is missing or older than its source, in some minutes, or nothing.
 * @param {"llama-server" | "llama-bench"} name @param {(line: string) => void} log
 */
export function peer(name, log) {
  const binary = fromRoot("out", "peers", "bin", name);
  if (built.has(name)) return binary;
  if (!existsSync(binary)) log(`building ${name} in out/peers, which takes some minutes once`);
  const configure = ["-S", fromRoot("benchmarks", "peers"), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"];
  if (process.env.MEDINFER_LLAMA_CPP) configure.push(`-DMEDINFER_LLAMA_DIR=${process.env.MEDINFER_LLAMA_CPP}`);
  for (const args of [
    configure,
    ["--build", folder, "--parallel", String(jobs(compilerGb)), "--target", name, "ggml-cpu"],
  ]) {
    const { status, stdout, stderr } = spawnSync("cmake", args, { encoding: "utf8", maxBuffer: 1 << 28 });
    if (status !== 0) throw new Error(`${name} could not be built:\n${stdout}\n${stderr}`);
  }
  built.add(name);
  return binary;
}

/** Gives the programs the CUDA backend of the addon: they look for it where they are. @param {string} library */
export function lendCuda(library) {
  copyFileSync(library, fromRoot("out", "peers", "bin", "libggml-cuda.so"));
}
