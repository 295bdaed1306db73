// Compiles lib/ into dist/: CommonJS, and a thin ES module entry over it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot } from "./lib/paths.mjs";

/** Names are re-exported, not copied, so that both entries hold the same classes. */
const wrapper = {
  "index.mjs": 'export * from "./index.js";\n',
  "index.d.mts": 'export * from "./index.js";\n',
};

function writeIfChanged(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

export function buildTypeScript() {
  let tsc;
  try {
    tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  } catch {
    throw new Failure("TypeScript is not installed: run npm install without --omit=dev");
  }
  // tsc trusts its record of the last build: without dist/ that record is wrong.
  const args = existsSync(fromRoot("dist", "index.js")) ? [] : ["--incremental", "false"];
  const result = spawnSync(process.execPath, [tsc, "-p", fromRoot("tsconfig.json"), ...args], {
    stdio: "inherit",
  });
  if (result.status !== 0) throw new Failure("lib/ does not compile: the lines above say where");
  mkdirSync(fromRoot("dist"), { recursive: true });
  for (const [name, text] of Object.entries(wrapper)) writeIfChanged(fromRoot("dist", name), text);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(buildTypeScript);
