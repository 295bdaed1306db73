// Builds ggml's CUDA backend, libggml-cuda.so, and packs it: npm run build:cuda [-- --arch 80,86,89,90] [--configure-only]
//
// The addon never links CUDA: it loads this library at run time and works without it. It is left in two places: beside the
// addon, for this machine, and in out/packages/linux-x64-cuda, which is the package @medinfer/linux-x64-cuda.
import { copyFileSync, existsSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { build, configureVariant } from "./build.mjs";
import { writeCudaPackage } from "./lib/cuda-package.mjs";
import { architecturesHere, architecturesOf, findNvcc } from "./lib/cuda-toolkit.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, releaseDir } from "./lib/paths.mjs";

const packageDir = fromRoot("out", "packages", "linux-x64-cuda");
/** What nvcc takes for one file: measured with the flash attention kernels, one architecture after the other. */
const nvccGb = 2.5;

/** The architectures asked for, or those of the GPUs here, in order. */
function architecturesFor(asked, { nvcc, version }) {
  const wanted = asked === undefined ? architecturesHere() : asked.split(",").map((each) => each.trim());
  if (wanted.length === 0) {
    throw new Failure(
      "there is no GPU here to build the CUDA backend for: name compute capabilities, as in " +
        '"npm run build:cuda -- --arch 80,86,89,90"',
    );
  }
  const known = architecturesOf(nvcc);
  for (const each of wanted) {
    if (!known.includes(each)) {
      throw new Failure(`CUDA ${version} builds for the architectures ${known.join(", ")}, and not for "${each}"`);
    }
  }
  return wanted.sort((a, b) => Number(a) - Number(b));
}

/** Machine code for each, and of the newest also what the driver compiles for GPUs that are newer. */
const cmakeArchitectures = (wanted) => [...wanted.map((each) => `${each}-real`), `${wanted.at(-1)}-virtual`].join(";");

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      arch: { type: "string" },
      "configure-only": { type: "boolean", default: false },
    },
  });
  const toolkit = findNvcc();
  const wanted = architecturesFor(values.arch, toolkit);
  const options = {
    variant: "cuda",
    targets: ["ggml-cuda"],
    jobGb: nvccGb,
    extra: {
      CMAKE_CUDA_COMPILER: toolkit.nvcc,
      CMAKE_CUDA_ARCHITECTURES: cmakeArchitectures(wanted),
      // ggml looks for the toolkit before it has a compiler.
      ...(path.isAbsolute(toolkit.nvcc) ? { CUDAToolkit_ROOT: path.resolve(toolkit.nvcc, "..", "..") } : {}),
    },
  };
  console.log(`CUDA ${toolkit.version} (${toolkit.nvcc}), for ${wanted.join(", ")}`);
  if (values["configure-only"]) {
    console.log(`configured ${await configureVariant(options)}`);
    return;
  }
  const { seconds } = await build(options);
  const library = fromRoot("out", "cuda", "Release", "libggml-cuda.so");
  if (!existsSync(library)) throw new Failure(`the build made no ${library}`);
  mkdirSync(releaseDir, { recursive: true });
  copyFileSync(library, path.join(releaseDir, path.basename(library)));
  writeCudaPackage(packageDir, library, { architectures: wanted, version: toolkit.version });
  const megabytes = (statSync(library).size / 1e6).toFixed(0);
  console.log(
    `built libggml-cuda.so (${megabytes} MB) in ${seconds.toFixed(0)} s, now beside the addon in build/Release`,
  );
  console.log(
    `the package is in ${path.relative(process.cwd(), packageDir)}: "npm pack" there, or "npm install" its path`,
  );
});
