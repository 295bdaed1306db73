// Makes prebuilds/PLATFORM-ARCH: the addon with every CPU variant of ggml's backend, one of which is
// chosen at run time. prebuildify runs node-gyp, node-gyp runs binding.gyp's action, and that runs
// scripts/build.mjs with the variant named here.
//
// --native makes the CPU backend for this machine alone: it tests the same path in a tenth of the
// time, and must not be published.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { build } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, releaseDir, root } from "./lib/paths.mjs";

/** node-gyp downloads headers unless an option says where they are; the addon uses none of them. */
function nodeDir() {
  const prefix = path.resolve(path.dirname(process.execPath), "..");
  return existsSync(path.join(prefix, "include", "node", "node_api.h")) ? prefix : null;
}

async function prebuild() {
  const variant = process.argv.includes("--native") ? "source" : "portable";
  const hadCuda = existsSync(path.join(releaseDir, "libggml-cuda.so"));
  const bin = createRequire(import.meta.url).resolve("prebuildify/bin.js");
  const env = { ...process.env, MEDINFER_VARIANT: variant };
  if (!env.npm_config_nodedir && nodeDir()) env.npm_config_nodedir = nodeDir();

  // What an earlier run left would be packed too.
  rmSync(fromRoot("prebuilds"), { recursive: true, force: true });
  const target = `node@${process.versions.node}`;
  const args = [bin, "--napi", "--strip", "--tag-libc", "--name", "medinfer", "--target", target];
  const result = spawnSync(process.execPath, args, { cwd: root, env, stdio: "inherit" });
  if (result.status !== 0) throw new Failure(`prebuildify failed (${result.status})`);

  // node-gyp emptied build/Release: put the addon for this machine back (it only relinks).
  if (existsSync(fromRoot("out", "source", "CMakeCache.txt"))) {
    rmSync(fromRoot("build"), { recursive: true, force: true });
    await build();
    // The CUDA backend took many minutes to build, and is not the addon's.
    const cuda = fromRoot("out", "cuda", "Release", "libggml-cuda.so");
    if (hadCuda && existsSync(cuda)) copyFileSync(cuda, path.join(releaseDir, "libggml-cuda.so"));
  }
  for (const folder of readdirSync(fromRoot("prebuilds"))) {
    const files = readdirSync(fromRoot("prebuilds", folder));
    const bytes = files.reduce((sum, name) => sum + statSync(fromRoot("prebuilds", folder, name)).size, 0);
    console.log(`prebuilds/${folder}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
  }
}

await runMain(prebuild);
