// The Python that has the makers' code: made on first use from requirements.txt, which takes a download of gigabytes.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../support/paths.mjs";

const makers = fromRoot("test", "truth", "requirements.txt");

/** Runs a program; its output goes where `stdio` says. @param {string} command @param {string[]} args @param {object} options */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
    child.on("error", reject);
    child.on("close", (status) => resolve(status));
  });
}

/**
 * The path of a Python with everything that requirements.txt names: $MEDINFER_TRUTH_PYTHON, or one of its own in `folder`.
 * @param {string} folder
 * @param {(line: string) => void} log
 * @param {string} requirements
 */
export async function makersPython(folder, log, requirements = makers) {
  if (process.env.MEDINFER_TRUTH_PYTHON) return process.env.MEDINFER_TRUTH_PYTHON;
  const venv = path.join(folder, "venv");
  const python = path.join(venv, "bin", "python");
  const stamp = path.join(venv, "requirements.sha256");
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return python;
  log(`installing what ${requirements} names into ${venv}: once, and with PyTorch some gigabytes`);
  execFileSync("python3", ["-m", "venv", "--clear", venv], { stdio: "inherit" });
  const status = await run(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements]);
  if (status !== 0) throw new Error(`pip ended with ${status}: see above`);
  writeFileSync(stamp, digest);
  return python;
}

/** What a folder takes, in megabytes. @param {string} folder */
export function megabytes(folder) {
  return Number(execFileSync("du", ["-sm", folder], { encoding: "utf8" }).split("\t")[0]);
}
