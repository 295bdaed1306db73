// The web frameworks that the server was chosen among, installed on demand beside the other peers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../../test/support/paths.mjs";

const PACKAGES = ["hono@4.13.19", "@hono/node-server@2.1.9", "fastify@5.10.0"];
const folder = fromRoot("out", "peers", "http");

/** The folder that they are installed in. @param {(line: string) => void} log */
export function httpPeers(log) {
  if (existsSync(path.join(folder, "node_modules", "fastify"))) return folder;
  log(`installing ${PACKAGES.join(", ")} in out/peers, once`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  const args = ["install", "--no-audit", "--no-fund", "--save-exact", ...PACKAGES];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: "ignore" });
  if (status !== 0) throw new Error("the web frameworks could not be installed from npm");
  return folder;
}
