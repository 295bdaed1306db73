// Compiles lib/ into dist/: CommonJS, and two thin ES module entries over it, for Node and for bundlers. In a clone then each of
// packages/, against that.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, root } from "./lib/paths.mjs";

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

function compile(folder) {
  let tsc;
  try {
    tsc = require.resolve("typescript/bin/tsc");
  } catch {
    throw new Failure("TypeScript is not installed: run npm install without --omit=dev");
  }
  // tsc trusts its record of the last build: without dist/ that record is wrong.
  const args = existsSync(path.join(folder, "dist")) ? [] : ["--incremental", "false"];
  const result = spawnSync(process.execPath, [tsc, "-p", path.join(folder, "tsconfig.json"), ...args], {
    stdio: "inherit",
  });
  if (result.status !== 0) {
    throw new Failure(`${path.relative(root, folder) || "lib"} does not compile: the lines above say where`);
  }
}

/** Compiles a package of packages/; its build.mjs, where it has one, adds what else the program needs. */
function buildPackage(folder) {
  if (!existsSync(fromRoot("node_modules", "medinfer"))) {
    throw new Failure("packages/ do not find medinfer by its name: run npm install, which links it");
  }
  compile(folder);
  const script = path.join(folder, "build.mjs");
  if (!existsSync(script)) return;
  const result = spawnSync(process.execPath, [script], { stdio: "inherit" });
  if (result.status !== 0) throw new Failure(`${path.relative(root, script)} failed: the lines above say why`);
}

export function buildTypeScript() {
  compile(root);
  writeWrappers();
  const packages = fromRoot("packages");
  if (!existsSync(packages)) return; // installed, not cloned
  const folders = readdirSync(packages).map((name) => path.join(packages, name));
  for (const folder of inOrder(folders.filter((each) => existsSync(path.join(each, "tsconfig.json"))))) {
    buildPackage(folder);
  }
}

/** Packages behind those that they depend on. */
function inOrder(folders) {
  const manifests = new Map(
    folders.map((folder) => [folder, JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"))]),
  );
  const ordered = new Set();
  const visit = (folder) => {
    const wanted = Object.keys(manifests.get(folder).dependencies ?? {});
    for (const other of folders) if (other !== folder && wanted.includes(manifests.get(other).name)) visit(other);
    ordered.add(folder);
  };
  for (const folder of folders) visit(folder);
  return ordered;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(buildTypeScript);
