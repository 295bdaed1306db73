// Client libraries, installed on demand: each set in a folder of its own under out/clients.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../../../../test/support/paths.mjs";

const folderOf = (name) => fromRoot("out", "clients", name);

/**
 * Installs npm packages. @param {string} name of the set @param {Record<string, string>} packages with exact versions
 * @returns {string} the folder
 */
export function npmSet(name, packages) {
  const folder = folderOf(name);
  const wanted = Object.entries(packages).map(([each, version]) => `${each}@${version}`);
  once(folder, wanted, () => {
    writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    run("npm", ["install", "--no-audit", "--no-fund", "--save-exact", "--engine-strict=false", ...wanted], folder);
  });
  return folder;
}

/** Installs Python packages. @param {string} name @param {string[]} packages @returns {string} the interpreter */
export function pythonSet(name, packages) {
  const folder = folderOf(name);
  const python = path.join(folder, "bin", "python");
  once(folder, packages, () => {
    run(process.env.MEDINFER_PYTHON ?? "python3", ["-m", "venv", folder], fromRoot());
    run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], fromRoot());
  });
  return python;
}

/** A newer Node, for clients that need one. */
export function newerNode() {
  return path.join(npmSet("node", { node: "22.23.3" }), "node_modules", "node", "bin", "node");
}

/** A set that is there and is of these versions is left as it is. */
function once(folder, wanted, install) {
  const stamp = path.join(
    folder,
    `.of-${wanted
      .join(",")
      .replace(/[^\w.,-]/g, "_")
      .slice(0, 200)}`,
  );
  if (existsSync(stamp)) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install();
  writeFileSync(stamp, "");
}

function run(command, args, cwd) {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${String(stderr).slice(-2000)}`);
}
