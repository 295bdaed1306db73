// node-llama-cpp, installed on demand beside the other peers. It is no dependency: npm would bring its optional binaries
// for GPUs with it, hundreds of megabytes, of which this takes the one for the CPU.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "./paths.mjs";

const VERSION = "3.22.1"; // of llama.cpp v0.5.0, as ours
const folder = fromRoot("out", "peers", "node-llama-cpp");

/**
 * Its main module; undefined where it cannot be had.
 * @param {(line: string) => void} log @returns {string | undefined}
 */
export function nodeLlamaCpp(log) {
  const platform = { "linux x64": "linux-x64", "linux arm64": "linux-arm64", "darwin arm64": "mac-arm64-metal" };
  const binary = platform[`${process.platform} ${process.arch}`];
  if (!binary) return undefined;
  const packages = ["node-llama-cpp", `@node-llama-cpp/${binary}`];
  const entry = path.join(folder, "node_modules", "node-llama-cpp", "dist", "index.js");
  if (existsSync(entry) && existsSync(path.join(folder, "node_modules", packages[1]))) return entry;
  log(`installing node-llama-cpp ${VERSION} in out/peers, 85 MB, once`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  // Its install script would build llama.cpp where it finds no binary.
  const args = ["install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
  const wanted = packages.map((name) => `${name}@${VERSION}`);
  const { status } = spawnSync("npm", [...args, ...wanted], { cwd: folder, stdio: "ignore" });
  if (status === 0 && existsSync(entry)) return entry;
  log("node-llama-cpp could not be installed: it is left out");
  return undefined;
}
