// Files of the cache folder, which test files and benchmarks that run at the same time share.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

import { cacheDir } from "./paths.mjs";

/**
 * Makes a file of the cache folder beside its place and moves it there, so that nobody ever reads a part of it.
 * @param {string} name may name a folder, too: "bad/truncated.gguf"
 * @param {Uint8Array | ((file: string) => void)} make its bytes, or what writes them to the path it is given
 * @returns {string} its path
 */
export function cachedFile(name, make) {
  const file = path.join(cacheDir, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  if (typeof make === "function") make(partial);
  else writeFileSync(partial, make);
  renameSync(partial, file);
  return file;
}
