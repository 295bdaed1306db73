/** Where the CUDA backend lies. It is loaded by this path alone: no search path may choose what runs in this process. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { excerpt } from "../excerpt.js";

const file = "libggml-cuda.so";
const packageName = "@medinfer/linux-x64-cuda";
/** There while the kernel has NVIDIA's driver loaded. */
const driverFile = "/proc/driver/nvidia/version";

/** The backend's file, or why there is none. */
export interface CudaBackend {
  path?: string;
  /** What is wrong, and what to do. */
  problem?: string;
  /** Whether `problem` is reported to callers that did not ask for CUDA: there is a GPU, and it would stand idle. */
  surprising?: boolean;
}

/**
 * Beside the addon, where `npm run build:cuda` puts it, or else in the package {@link packageName}, whose version must be
 * this package's, in `root`: the two libraries share structures.
 */
export function findCudaBackend(addonDirectory: string, root: string): CudaBackend {
  const built = join(addonDirectory, file);
  if (existsSync(built)) return { path: built };
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { problem: `CUDA is served on Linux x64 alone, and this is ${process.platform} ${process.arch}` };
  }
  const wanted = versionIn(join(root, "package.json"));
  const install = `run "npm install ${packageName}@${wanted}"`;
  let found: string;
  let folder: string;
  try {
    const installed = createRequire(join(root, "package.json")).resolve(`${packageName}/package.json`);
    folder = dirname(installed);
    found = versionIn(installed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") {
      return { problem: `${packageName} is damaged (${(error as Error).message}): ${install}`, surprising: true };
    }
    return {
      problem:
        `the CUDA backend is not installed: ${install}, or build it for this machine with "npm run build:cuda" in ` +
        "medinfer's folder",
      surprising: existsSync(driverFile),
    };
  }
  if (found !== wanted) {
    return {
      problem: `${packageName} is of version ${excerpt(String(found), 40)}, and medinfer of ${wanted}: ${install}`,
      surprising: true,
    };
  }
  return { path: join(folder, file) };
}

function versionIn(packageJson: string): string {
  return (JSON.parse(readFileSync(packageJson, "utf8")) as { version: string }).version;
}
