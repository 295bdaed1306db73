// Builds the native code: node scripts/build.mjs [--variant NAME] [--tests] [--target NAME]…
//
//   source     for this machine's CPU, into build/Release, where node-gyp-build looks first
//   portable   every CPU variant, into build/Release, from where prebuildify takes it
//   cuda       source plus the CUDA plugin
//   asan, tsan the core and its tests under a sanitizer, without Node
//   fuzz       the libFuzzer targets: see scripts/fuzz.mjs
//
// CMake's own files are in out/VARIANT, so that node-gyp's "rebuild", which deletes build/, costs
// no more than linking. binding.gyp calls this without arguments; prebuildify's caller names the
// variant in MEDINFER_VARIANT.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { fetchLlama } from "./fetch-llama.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { withLock } from "./lib/lock.mjs";
import { fromRoot, inClone, llamaDir, packageJson, releaseDir, root } from "./lib/paths.mjs";
import { runWithProgress } from "./lib/progress.mjs";
import { requireBuildTools } from "./lib/tools.mjs";

const variants = {
  source: { MEDINFER_CPU: "native" },
  portable: { MEDINFER_CPU: "portable" },
  cuda: { MEDINFER_CPU: "native", MEDINFER_CUDA: "ON" },
  asan: {
    MEDINFER_CPU: "native",
    MEDINFER_SANITIZE: "address,undefined",
    MEDINFER_BUILD_ADDON: "OFF",
  },
  tsan: {
    MEDINFER_CPU: "native",
    MEDINFER_SANITIZE: "thread",
    MEDINFER_BUILD_ADDON: "OFF",
  },
  fuzz: { MEDINFER_BUILD_FUZZERS: "ON" },
};

/** Who installs a prebuilt addon is spared cmake-js and its 39 packages: it is an optional peer (docs/decisions/0000-cmake-js.md). */
function cmakeJs() {
  const tested = packageJson.devDependencies["cmake-js"];
  const install = inClone ? '"npm install"' : `"npm install medinfer cmake-js@${tested}"`;
  const { resolve } = createRequire(import.meta.url);
  let found;
  try {
    found = JSON.parse(readFileSync(resolve("cmake-js/package.json"), "utf8")).version;
  } catch {
    throw new Failure(`compiling the addon for this machine needs cmake-js: run ${install}`);
  }
  if (Number.parseInt(found) < Number.parseInt(tested)) {
    throw new Failure(`compiling the addon needs cmake-js ${tested}, and ${found} is installed: run ${install}`);
  }
  return resolve("cmake-js/bin/cmake-js");
}

/** CMake refuses a cache that another generator made, or that came here with a moved folder. */
function dropForeignCache(out, generator) {
  const file = path.join(out, "CMakeCache.txt");
  if (!existsSync(file)) return;
  const cache = readFileSync(file, "utf8");
  const entry = (name) => cache.match(new RegExp(`^${name}:INTERNAL=(.*)$`, "m"))?.[1];
  if (entry("CMAKE_GENERATOR") === generator && entry("CMAKE_HOME_DIRECTORY") === root) return;
  for (const name of readdirSync(out)) {
    if (name !== "lock") rmSync(path.join(out, name), { recursive: true, force: true });
  }
}

/** Configures out/VARIANT unless it already is, with these very settings. */
function configure(variant, settings, generator) {
  const out = fromRoot("out", variant);
  dropForeignCache(out, generator);
  const stamp = path.join(out, "settings.json");
  const wanted = JSON.stringify(settings);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return out;

  mkdirSync(out, { recursive: true });
  rmSync(stamp, { force: true });
  const args = [cmakeJs(), "configure", "--out", out, "--generator", generator, "--log-level", "error"];
  for (const [name, value] of Object.entries(settings)) args.push(`--CD${name}=${value}`);
  const result = spawnSync(process.execPath, args, {
    cwd: fromRoot(),
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  writeFileSync(path.join(out, "configure.log"), `${result.stdout}${result.stderr}`);
  if (result.status !== 0) {
    rmSync(path.join(out, "CMakeCache.txt"), { force: true });
    // CMake wraps a message over indented lines; ours begin with the product's name.
    const own = result.stderr.match(/\n\s*medinfer: ([\s\S]*?)\n\n/);
    if (own) throw new Failure(own[1].replace(/\s+/g, " ").trim());
    console.error(result.stderr);
    throw new Failure(
      `CMake could not configure the build: the lines above say why, all of them are in ${out}/configure.log`,
    );
  }
  writeFileSync(stamp, wanted);
  return out;
}

/** A unity file of llama.cpp can take over 1 GB. */
const compilerGb = 1.5;

/** Compiles at most this many files at once, for the memory that each takes. */
export function jobs(gigabytes) {
  if (process.env.MEDINFER_JOBS) return Number(process.env.MEDINFER_JOBS);
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 2 ** 30 / gigabytes)));
}

/** Gets the sources and configures; returns the build folder. */
async function prepare({ variant = "source", tests = false, extra = {} } = {}) {
  const base = variants[variant];
  if (!base) throw new Failure(`there is no variant "${variant}": ${Object.keys(variants).join(", ")}`);
  const generator = requireBuildTools();
  await fetchLlama();

  const inRelease = variant === "source" || variant === "portable";
  const settings = {
    ...base,
    MEDINFER_LLAMA_DIR: llamaDir,
    MEDINFER_OUTPUT_DIR: inRelease ? releaseDir : fromRoot("out", variant, "Release"),
    ...extra,
  };
  // Once on, the tests stay configured: npm install must not undo what npm test needs.
  const cache = fromRoot("out", variant, "CMakeCache.txt");
  const hadTests = existsSync(cache) && /^MEDINFER_BUILD_TESTS:BOOL=ON$/m.test(readFileSync(cache, "utf8"));
  if (tests || hadTests) settings.MEDINFER_BUILD_TESTS = "ON";

  return configure(variant, settings, generator);
}

/** Only configures; returns the build folder. */
export function configureVariant(options = {}) {
  return withLock(fromRoot("out", options.variant ?? "source"), () => prepare(options));
}

/**
 * Builds one variant. Without targets it is the addon; with tests, the native tests and the test tools too. `jobGb` is
 * what one compiler may take of the memory.
 */
export function build(options = {}) {
  const { variant = "source", tests = false, targets = [] } = options;
  return withLock(fromRoot("out", variant), () => compile(options, variant, tests, targets));
}

async function compile(options, variant, tests, targets) {
  const out = await prepare(options);
  const wanted = targets.length > 0 ? targets : tests ? ["all"] : ["medinfer_addon"];
  const args = ["--build", out, "--parallel", String(jobs(options.jobGb ?? compilerGb))];
  for (const target of wanted) args.push("--target", target);
  const seconds = await runWithProgress(`building medinfer (${variant})`, "cmake", args, {
    logFile: path.join(out, "build.log"),
    // Where ccache is there, let a second clone use what the first one compiled.
    env: { CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: "1", ...process.env },
  });
  return { out, seconds };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    const { values } = parseArgs({
      options: {
        variant: { type: "string", default: process.env.MEDINFER_VARIANT ?? "source" },
        tests: { type: "boolean", default: false },
        target: { type: "string", multiple: true, default: [] },
      },
    });
    const { seconds } = await build({
      variant: values.variant,
      tests: values.tests,
      targets: values.target,
    });
    console.log(`built (${values.variant}) in ${seconds.toFixed(1)} s`);
  });
}
