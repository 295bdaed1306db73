// Compiles lib/ into dist/: CommonJS, and a thin ES module entry over it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot } from "./lib/paths.mjs";

const require = createRequire(import.meta.url);

function writeIfChanged(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

/** The ES module entry takes its names from the CommonJS one, so that both are the same classes. */
function writeWrapper() {
  const names = Object.keys(require(fromRoot("dist", "index.js"))).sort();
  const entry = `import api from "./index.js";\n\nexport const { ${names.join(", ")} } = api;\n`;
  writeIfChanged(fromRoot("dist", "index.mjs"), entry);
  writeIfChanged(fromRoot("dist", "index.d.mts"), 'export * from "./index.js";\n');
}

export function buildTypeScript() {
  let tsc;
  try {
    tsc = require.resolve("typescript/bin/tsc");
  } catch {
    throw new Failure("TypeScript is not installed: run npm install without --omit=dev");
  }
  // tsc trusts its record of the last build: without dist/ that record is wrong.
  const args = existsSync(fromRoot("dist", "index.js")) ? [] : ["--incremental", "false"];
  const result = spawnSync(process.execPath, [tsc, "-p", fromRoot("tsconfig.json"), ...args], {
    stdio: "inherit",
  });
  if (result.status !== 0) throw new Failure("lib/ does not compile: the lines above say where");
  writeWrapper();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(buildTypeScript);
