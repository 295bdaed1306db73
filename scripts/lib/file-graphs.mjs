// Which of our files name which others: #include in C++, import and export … from in TypeScript.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import ts from "typescript";

import { ccFiles } from "./cc-files.mjs";
import { fromRoot } from "./paths.mjs";

const includeLine = /^\s*#\s*include\s*"([^"]+)"/gm;

/** The names in quotes that a C++ text includes, in order. */
export const includesOf = (text) => Array.from(text.matchAll(includeLine), (match) => match[1]);

/** Map of each C++ file of ours (native, bindings; paths from the root) -> files of ours that it includes. */
export function includeGraph() {
  const files = ccFiles(["native", "bindings"]);
  const roots = ["native/src", "native/include", "bindings"];
  return new Map(
    files.map((file) => [
      file,
      includesOf(readFileSync(fromRoot(file), "utf8"))
        .map((name) => roots.map((folder) => `${folder}/${name}`).find((each) => existsSync(fromRoot(each))))
        .filter((each) => each !== undefined),
    ]),
  );
}

function tsFiles(folder) {
  return readdirSync(fromRoot(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => path.relative(fromRoot(), path.join(entry.parentPath, entry.name)));
}

/** The same of the TypeScript files below `folder`, imports of types included. */
export function importGraph(folder) {
  return new Map(
    tsFiles(folder).map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(fromRoot(file), "utf8"));
      const named = importedFiles
        .map((each) => each.fileName)
        .filter((name) => name.startsWith("."))
        .map((name) => path.join(path.dirname(file), name.replace(/\.js$/, ".ts")));
      return [file, named.filter((each) => existsSync(fromRoot(each)))];
    }),
  );
}
