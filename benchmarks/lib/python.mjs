// A Python that can run the scripts of models/.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { fromRoot } from "../../test/support/paths.mjs";

const own = fromRoot("out", "python");
const inVenv = (folder) => fromRoot(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** @param {string} python */
function isComplete(python) {
  const result = spawnSync(python, ["-c", "import gguf, numpy, PIL, torch"], { stdio: "ignore" });
  return result.status === 0;
}

/**
 * The first of these that has models/requirements.txt: $MEDINFER_PYTHON, python3, models/.venv, out/python. The last one
 * is made where none has: a download of PyTorch, once.
 * @param {(line: string) => void} log
 * @returns {string}
 */
export function findPython(log) {
  const python = inVenv("out/python");
  const candidates = [process.env.MEDINFER_PYTHON, "python3", inVenv("models/.venv"), python];
  const found = candidates.find((each) => each && isComplete(each));
  if (found) return found;
  log(`making ${own} with what models/requirements.txt names`);
  if (!existsSync(python)) runOrThrow("python3", ["-m", "venv", own]);
  runOrThrow(python, ["-m", "pip", "install", "-q", "-r", fromRoot("models", "requirements.txt")]);
  return python;
}

/** Runs a script and returns what it printed. @param {string} python @param {string[]} args */
export function runOrThrow(python, args) {
  const { status, stdout, stderr, error } = spawnSync(python, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw error ?? new Error(`${python} ${args.join(" ")} failed:\n${stderr}`);
  return stdout;
}
