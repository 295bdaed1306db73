// Compiles lib/ into dist/: CommonJS, and two thin ES module entries over it, for Node and for bundlers.
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

/** The ES module entries take their names from the CommonJS one, so that all are the same classes. */
function writeWrappers() {
  const names = Object.keys(require(fromRoot("dist", "index.js"))).sort();
  const exported = `export const { ${names.join(", ")} } =`;
  writeIfChanged(fromRoot("dist", "index.mjs"), `import api from "./index.js";\n\n${exported} api;\n`);
  const bundled = readFileSync(fromRoot("scripts", "lib", "bundled-entry.mjs"), "utf8");
  writeIfChanged(fromRoot("dist", "bundled.mjs"), bundled.replace("export default", exported));
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
  writeWrappers();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(buildTypeScript);
