// Where things are, for every script.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const fromRoot = (...parts) => path.join(root, ...parts);

/** The folder that node-gyp-build looks into first: the build for this machine goes there. */
export const releaseDir = fromRoot("build", "Release");
export const patchesDir = fromRoot("native", "patches");

/** llama.cpp's source: the user's checkout where MEDINFER_LLAMA_CPP names one. */
export const ownLlamaDir = fromRoot("native", "llama.cpp");
export const llamaDir = process.env.MEDINFER_LLAMA_CPP ? path.resolve(process.env.MEDINFER_LLAMA_CPP) : ownLlamaDir;

export const packageJson = JSON.parse(readFileSync(fromRoot("package.json"), "utf8"));

/** True in a clone of the repository, false in an installed package. */
export const inClone = existsSync(fromRoot(".git"));
