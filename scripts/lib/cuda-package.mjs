// The optional package that carries the CUDA backend: one library, and what npm wants to know.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot, packageJson } from "./paths.mjs";

/**
 * Writes the package anew.
 * @param {string} folder @param {string} library the backend
 * @param {{ architectures: string[], version: string }} built what it was built for, and CUDA's version
 */
export function writeCudaPackage(folder, library, { architectures, version }) {
  const { name, version: own, license, repository } = packageJson;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(library, path.join(folder, path.basename(library)));
  copyFileSync(fromRoot("LICENSE"), path.join(folder, "LICENSE"));
  const about = {
    name: `@${name}/linux-x64-cuda`,
    version: own,
    description: `The CUDA ${version} backend of ${name}, for compute capabilities ${architectures.join(", ")}`,
    license,
    repository,
    os: ["linux"],
    cpu: ["x64"],
    libc: ["glibc"],
    files: [path.basename(library)],
  };
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
  const readme = [
    `# ${about.name}`,
    `${about.description}. Install it beside ${name} of the same version, on a host with an NVIDIA driver for CUDA ${version} ` +
      "and CUDA's libraries cudart and cuBLAS; it is found by itself.",
  ];
  writeFileSync(path.join(folder, "README.md"), `${readme.join("\n\n")}\n`);
}
