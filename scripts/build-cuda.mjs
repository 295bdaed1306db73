// Builds ggml's CUDA backend, libggml-cuda.so, as a plugin beside the addon. The addon itself never
// links CUDA: it loads the plugin at run time and works without it.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { build, configureVariant } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, releaseDir } from "./lib/paths.mjs";

/** Machine code for the data-centre cards, PTX of the oldest for all others. */
const architectures = "75-virtual;80-real;86-real;89-real;90-real";

function findNvcc() {
  const folders = [process.env.CUDA_PATH, process.env.CUDA_HOME, "/usr/local/cuda"];
  const candidates = [
    process.env.CUDACXX,
    "nvcc",
    ...folders.filter(Boolean).map((folder) => path.join(folder, "bin", "nvcc")),
  ];
  return candidates.find((nvcc) => nvcc && spawnSync(nvcc, ["--version"]).status === 0);
}

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      architectures: {
        type: "string",
        default: process.env.MEDINFER_CUDA_ARCHITECTURES ?? architectures,
      },
      "configure-only": { type: "boolean", default: false },
    },
  });
  const nvcc = findNvcc();
  if (!nvcc) {
    throw new Failure(
      "building the CUDA backend needs nvcc: install NVIDIA's CUDA toolkit " +
        '("apt-get install nvidia-cuda-toolkit", or cuda-toolkit from NVIDIA) and put nvcc on PATH, or set CUDA_PATH',
    );
  }
  const options = {
    variant: "cuda",
    targets: ["ggml-cuda"],
    extra: { CMAKE_CUDA_COMPILER: nvcc, CMAKE_CUDA_ARCHITECTURES: values.architectures },
  };
  if (values["configure-only"]) {
    console.log(`configured ${await configureVariant(options)}`);
    return;
  }
  const { seconds } = await build(options);
  const library = fromRoot("out", "cuda", "Release", "libggml-cuda.so");
  if (!existsSync(library)) throw new Failure(`the build made no ${library}`);
  mkdirSync(releaseDir, { recursive: true });
  copyFileSync(library, path.join(releaseDir, path.basename(library)));
  console.log(`built libggml-cuda.so in ${seconds.toFixed(0)} s, now beside the addon in build/Release`);
});
