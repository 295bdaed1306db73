// llama.cpp's own programs, built on demand.
//
// On a CPU they are the release's own, without our patches: what a user would run instead of medinfer. On a GPU they come
// from the addon's source, patches included, because they load the addon's CUDA backend.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { jobs } from "../../scripts/build.mjs";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { fromRoot } from "../../test/support/paths.mjs";

/** What the server's largest files take. */
const compilerGb = 2;
const built = new Set();

const folderOf = (gpu) => fromRoot("out", "peers", gpu ? "patched" : "upstream");

/**
 * The path of a program: built where it is missing or older than its source, in some minutes, or nothing.
 * @param {"llama-server" | "llama-bench" | "tokenize" | "encode_image"} name @param {{ gpu: boolean, log: (line: string) => void }} options
 */
export function peer(name, { gpu, log }) {
  const folder = folderOf(gpu);
  const binary = path.join(folder, "bin", name);
  if (built.has(binary)) return binary;
  if (!existsSync(binary)) log(`building ${name} in ${folder}, which takes some minutes once`);
  const source = gpu ? llamaDir : releaseSource();
  const configure = ["-S", fromRoot("benchmarks", "peers"), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"];
  configure.push(`-DMEDINFER_LLAMA_DIR=${source}`);
  const build = ["--build", folder, "--parallel", String(jobs(compilerGb)), "--target", name, "ggml-cpu"];
  for (const args of [configure, build]) run("cmake", args, `${name} could not be built`);
  built.add(binary);
  return binary;
}

/** Gives the programs the CUDA backend of the addon: they look for it where they are. @param {string} library */
export function lendCuda(library) {
  copyFileSync(library, path.join(folderOf(true), "bin", "libggml-cuda.so"));
}

/** The folder of llama.cpp's source as it was released, from the history of the checkout that our patches went into. */
function releaseSource() {
  const folder = fromRoot("out", "peers", "source");
  const stamp = path.join(folder, ".release");
  const release = run("git", ["-C", llamaDir, "rev-parse", "HEAD"], "the release of llama.cpp is unknown").trim();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === release) return folder;
  const part = `${folder}.part`;
  for (const each of [folder, part]) rmSync(each, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const archive = path.join(part, "release.tar");
  run("git", ["-C", llamaDir, "archive", "--output", archive, "HEAD"], "llama.cpp's release could not be exported");
  run("tar", ["-xf", archive, "-C", part], "llama.cpp's release could not be unpacked");
  rmSync(archive);
  writeFileSync(path.join(part, ".release"), release);
  renameSync(part, folder);
  return folder;
}

function run(command, args, failure) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${failure}:\n${error?.message ?? `${stdout}\n${stderr}`}`);
  return stdout;
}
