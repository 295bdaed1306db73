// NVIDIA's CUDA toolkit and GPUs, as this machine has them.
import path from "node:path";

import { Failure } from "./fail.mjs";
import { fromRoot } from "./paths.mjs";
import { output } from "./tools.mjs";

/** Where "npm run setup:cuda" puts a toolkit. */
export const cudaToolkitDir = fromRoot("out", "cuda-toolkit");

/** The toolkit inside it: its bin, lib and include. */
export const ownToolkit = path.join(cudaToolkitDir, "nvidia", "cu13");

const oldestMajor = 12;

/** The compiler of the first toolkit found, and its version as "13.0". */
export function findNvcc() {
  const folders = [process.env.CUDA_PATH, process.env.CUDA_HOME, "/usr/local/cuda", ownToolkit].filter(Boolean);
  const candidates = [process.env.CUDACXX, "nvcc", ...folders.map((folder) => path.join(folder, "bin", "nvcc"))];
  for (const nvcc of candidates.filter(Boolean)) {
    const version = output(nvcc)?.match(/release (\d+\.\d+)/)?.[1];
    if (version === undefined) continue;
    if (Number.parseInt(version, 10) >= oldestMajor) return { nvcc, version };
    throw new Failure(
      `building the CUDA backend needs a toolkit of CUDA ${oldestMajor} or newer, and ${nvcc} is ${version}: ` +
        "install a newer one, and name its folder in CUDA_PATH",
    );
  }
  throw new Failure(
    "building the CUDA backend needs nvcc, and there is none: install NVIDIA's CUDA toolkit (12 or 13) and name its folder " +
      'in CUDA_PATH, or run "npm run setup:cuda", which puts one into out/ from PyPI (0.9 GB)',
  );
}

/** Compute capabilities of this machine's GPUs, such as "90"; empty where there is none. */
export function architecturesHere() {
  const capabilities = output("nvidia-smi", ["--query-gpu=compute_cap", "--format=csv,noheader"]) ?? "";
  return [...new Set([...capabilities.matchAll(/^(\d+)\.(\d)\s*$/gm)].map(([, major, minor]) => major + minor))];
}

/** The architectures that a compiler knows. */
export function architecturesOf(nvcc) {
  return [...(output(nvcc, ["--list-gpu-arch"]) ?? "").matchAll(/compute_(\d+)/g)].map(([, number]) => number);
}
