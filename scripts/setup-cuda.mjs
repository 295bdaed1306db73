// Puts a CUDA 13 toolkit into out/cuda-toolkit, out of NVIDIA's own packages on PyPI: enough to compile and link
// libggml-cuda.so on a machine that has neither a toolkit nor a GPU. 0.9 GB; for contributors. Who has a GPU has a toolkit,
// or gets it from NVIDIA.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { fetchLlama } from "./fetch-llama.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { cudaToolkitDir, ownToolkit } from "./lib/cuda-toolkit.mjs";
import { llamaDir } from "./lib/paths.mjs";

const packages = {
  "nvidia-cuda-nvcc": "13.0.88",
  "nvidia-nvvm": "13.0.88",
  "nvidia-cuda-crt": "13.0.88",
  "nvidia-cuda-runtime": "13.0.96",
  "nvidia-cuda-cccl": "13.0.85",
  "nvidia-cublas": "13.0.2.14",
};

function run(command, args, advice) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.status !== 0) throw new Failure(`${advice}: ${(result.stderr ?? String(result.error)).trim()}`);
}

/** The packages hold libX.so.13 alone; a linker looks for libX.so. */
function linkLibraries(lib) {
  for (const file of readdirSync(lib)) {
    const link = path.join(lib, file.replace(/\.so\..*$/, ".so"));
    if (/\.so\.\d+$/.test(file) && !existsSync(link)) symlinkSync(file, link);
  }
}

/**
 * The driver's library comes with the driver. To link against it takes its name and those of the functions: a stub that
 * holds what ggml-cuda calls, under the name that is looked up at run time.
 */
function makeDriverStub(folder) {
  const sources = path.join(llamaDir, "ggml", "src", "ggml-cuda");
  const names = new Set();
  for (const file of readdirSync(sources)) {
    if (!/\.cuh?$/.test(file)) continue;
    for (const [, name] of readFileSync(path.join(sources, file), "utf8").matchAll(/\b(cu[A-Z][A-Za-z]+)\s*\(/g))
      names.add(name);
  }
  mkdirSync(folder, { recursive: true });
  const source = path.join(folder, "driver-stub.c");
  writeFileSync(source, [...names].map((name) => `void ${name}(void) {}\n`).join(""));
  const library = path.join(folder, "libcuda.so");
  run("cc", ["-shared", "-Wl,-soname,libcuda.so.1", "-o", library, source], "the driver's stub could not be made");
}

await runMain(async () => {
  const python = path.join(cudaToolkitDir, "..", "cuda-python");
  rmSync(cudaToolkitDir, { recursive: true, force: true });
  if (!existsSync(path.join(python, "bin", "pip"))) {
    run(
      "python3",
      ["-m", "venv", "--clear", python],
      'setup:cuda needs Python\'s venv ("apt-get install python3-venv")',
    );
  }
  const wanted = Object.entries(packages).map(([name, version]) => `${name}==${version}`);
  console.log("fetching a CUDA 13 toolkit from PyPI, 0.5 GB");
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", cudaToolkitDir];
  run(path.join(python, "bin", "pip"), ["install", ...options, ...wanted], "pip could not install the toolkit");
  for (const file of readdirSync(path.join(ownToolkit, "bin"), { withFileTypes: true })) {
    if (file.isFile()) chmodSync(path.join(ownToolkit, "bin", file.name), 0o755);
  }
  chmodSync(path.join(ownToolkit, "nvvm", "bin", "cicc"), 0o755);
  linkLibraries(path.join(ownToolkit, "lib"));
  symlinkSync("lib", path.join(ownToolkit, "lib64")); // where nvcc looks
  await fetchLlama();
  makeDriverStub(path.join(ownToolkit, "lib", "stubs"));
  console.log(`a CUDA toolkit is in ${ownToolkit}; npm run build:cuda finds it there`);
});
