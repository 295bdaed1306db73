/** Where the package lies on disk. Its addon, backends and models are files of their own, which no bundle holds. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { MedInferError } from "./errors.js";

const { name, version } = require("../package.json") as { name: string; version: string };

const cure =
  "A bundle cannot hold the native addon: name medinfer as external (esbuild: --external:medinfer, webpack: externals, " +
  'Next.js: serverExternalPackages), and install it where the program runs: "npm install medinfer"';

let root: string | undefined;

/**
 * The package's folder.
 *
 * @throws MedInferError `BACKEND_LOST` where this code was bundled, and runs where the package is not installed
 */
export function packageRoot(): string {
  // This file lies one level below it, in lib/ and in dist/, unless a bundler has put it elsewhere.
  const file = typeof __filename === "string" ? __filename : undefined;
  return (root ??= findPackage(file, [file, process.argv[1]]));
}

/**
 * The package that `file` belongs to. If it is in none because it was bundled: the one that is installed for one of the
 * programs `places`, which must be of the bundled version. No other place may choose what code runs in this process.
 */
export function findPackage(file: string | undefined, places: readonly (string | undefined)[]): string {
  const own = file === undefined ? undefined : join(dirname(file), "..");
  if (own !== undefined && factsIn(own)?.name === name) return outsideArchive(own);
  for (const place of places) {
    const found = place === undefined ? undefined : installedFor(place);
    if (found === undefined) continue;
    const installed = factsIn(found)?.version ?? "unknown";
    if (installed === version) return outsideArchive(found);
    throw new MedInferError(
      "BACKEND_LOST",
      `medinfer ${version} runs from a bundle, and ${installed} is installed in ${found}: install the same. ${cure}`,
    );
  }
  throw new MedInferError("BACKEND_LOST", `medinfer runs from a bundle, and its package is not found. ${cure}`);
}

function installedFor(program: string): string | undefined {
  try {
    return dirname(createRequire(program).resolve(`${name}/package.json`));
  } catch {
    return undefined; // not there, or `program` is no path: the next place may know
  }
}

function factsIn(folder: string): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string; version?: string };
  } catch {
    return undefined; // no package's folder
  }
}

/** Electron packs a program into an archive that only JavaScript can read; what is native lies beside it. */
function outsideArchive(folder: string): string {
  const unpacked = folder.replace(/\.asar(?=[\\/])/, ".asar.unpacked");
  if (unpacked === folder || existsSync(unpacked)) return unpacked;
  throw new MedInferError(
    "BACKEND_LOST",
    `medinfer lies inside an archive of Electron (${folder}), where the system can load nothing from: unpack it ` +
      '(electron-builder: "asarUnpack": ["**/node_modules/medinfer/**"])',
  );
}
