// A Python that can run the scripts of models/.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

import { fromRoot } from "../../test/support/paths.mjs";

const requirements = fromRoot("models", "requirements.txt");
const inVenv = (folder) => fromRoot(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** @param {string} python @param {string} modules */
function has(python, modules) {
  return spawnSync(python, ["-c", `import ${modules}`], { stdio: "ignore" }).status === 0;
}

/**
 * The first of these that has the modules: $MEDINFER_PYTHON, python3, models/.venv, and `folder`. The last one is made where
 * none has.
 * @param {{ modules: string, folder: string, install: string[] }} wanted @param {(line: string) => void} log
 * @returns {string}
 */
function find({ modules, folder, install }, log) {
  const python = inVenv(folder);
  const candidates = [process.env.MEDINFER_PYTHON, "python3", inVenv("models/.venv"), python];
  const found = candidates.find((each) => each && has(each, modules));
  if (found) return found;
  log(`making ${fromRoot(folder)} with what models/requirements.txt names`);
  if (!existsSync(python)) runOrThrow("python3", ["-m", "venv", fromRoot(folder)]);
  runOrThrow(python, ["-m", "pip", "install", "-q", ...install]);
  return python;
}

/** For all scripts of models/: a download of PyTorch, once. @param {(line: string) => void} log @returns {string} */
export function findPython(log) {
  return find({ modules: "gguf, numpy, PIL, torch", folder: "out/python", install: ["-r", requirements] }, log);
}

/** For models/generate.py, which draws pages. @param {(line: string) => void} log @returns {string} */
export function findPagePython(log) {
  const install = readFileSync(requirements, "utf8").match(/^(?:numpy|pillow)==\S+$/gm);
  return find({ modules: "numpy, PIL", folder: "out/python-pages", install }, log);
}

/** Runs a script and returns what it printed. @param {string} python @param {string[]} args */
export function runOrThrow(python, args) {
  const { status, stdout, stderr, error } = spawnSync(python, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw error ?? new Error(`${python} ${args.join(" ")} failed:\n${stderr}`);
  return stdout;
}
