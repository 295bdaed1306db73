// A rule for ESLint: lib/ imports no package of packages/, and a package of packages/ reaches nothing outside its folder but
// what it names by a package's name. Its tests may use the repository's test/support/, too.
import path from "node:path";

import { root } from "./paths.mjs";

/** The folder of ours that a file may import from: lib, or packages/NAME. */
function homeOf(file) {
  const [first, second] = path.relative(root, file).split(path.sep);
  return first === "packages" ? path.join(first, second) : first;
}

const isIn = (folder, file) => !path.relative(folder, file).startsWith("..");

/** What is wrong with `file` importing `name`; undefined: nothing. */
function problemOf(file, name) {
  const home = homeOf(file);
  if (!name.startsWith(".")) {
    if (home === "lib" && name.startsWith("@medinfer/")) return "lib/ knows no package of packages/.";
    if (/^medinfer\/(?!package\.json$)/.test(name))
      return 'Import the library as "medinfer": what it exports is all there is.';
    return undefined;
  }
  const target = path.resolve(path.dirname(file), name);
  if (isIn(path.join(root, home), target)) return undefined;
  const fromTests = isIn(path.join(root, home, "test"), file) && home !== "lib";
  if (fromTests && isIn(path.join(root, "test", "support"), target)) return undefined;
  return `${home}/ imports nothing by a path outside of it: import a package by its name.`;
}

export const stayInside = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const check = ({ source }) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = problemOf(context.filename, source.value);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
