// npm's install script. In an installed package it does nothing where the prebuilt addon loads, and
// compiles the addon for this machine where it does not; cmake-js has to be installed beside it then.
// In a clone it brings the addon and dist/ up to date; where they are, that takes a moment.
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";

import { build } from "./build.mjs";
import { buildTypeScript } from "./build-ts.mjs";
import { runMain } from "./lib/fail.mjs";
import { inClone, root } from "./lib/paths.mjs";

/** Loads the addon in a process of its own: a library made for another machine may crash. */
function addonLoads() {
  const script = `require("node-gyp-build")(${JSON.stringify(root)})`;
  return spawnSync(process.execPath, ["-e", script], { cwd: root }).status === 0;
}

async function install() {
  const fromSource = inClone || process.env.npm_config_build_from_source === "true";
  if (fromSource || !addonLoads()) {
    const { seconds } = await build();
    if (seconds > 5) console.log(`medinfer: built for this machine in ${seconds.toFixed(0)} s`);
  }
  if (inClone) buildTypeScript();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(install);
