/** Loads the optional package that reads documents; nothing else does. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { argumentError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import type { DocumentOptions, DocumentReader } from "./types.js";

const packageName = "@medinfer/documents";

interface DocumentsPackage {
  readonly DocumentReader: new (options: DocumentOptions) => DocumentReader;
}

/**
 * A reader of documents. Its package is looked for beside this one: no other place may choose what code runs in this process.
 *
 * @param call as messages name it
 * @throws MedInferError `INVALID_ARGUMENT` where the package is not installed, or an option is wrong
 */
export function loadDocumentReader(options: DocumentOptions, call: string): DocumentReader {
  let found: DocumentsPackage;
  try {
    // A call of require itself would have bundlers look for the package.
    found = createRequire(join(packageRoot(), "package.json"))(packageName) as DocumentsPackage;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw argumentError(call, "document", `needs the package ${packageName}: run "npm install ${packageName}"`);
  }
  return new found.DocumentReader(options);
}
