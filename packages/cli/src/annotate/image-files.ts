/** The images that annotate reads: files as they are named, those of folders in a fixed order. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { MedInferError } from "medinfer";
import { shortenPath } from "../shorten.js";

/** What is taken for an image in a folder. Kinds that the library does not read are among them: each becomes an error row. */
const IMAGE = /\.(png|jpe?g|bmp|gif|webp|tiff?)$/i;

/** What was left out of folders. */
export interface LeftOut {
  /** Files that are no images, going by their names. */
  files: number;
}

/**
 * The files one by one, so that any number takes little memory: at most the names of one folder, and of those around it.
 * Of folders those that end like an image's, recursively and sorted by name; what begins with a dot is left out, as are
 * links to folders. Each file comes once.
 *
 * @throws MedInferError (from the iteration) `IMAGE_NOT_FOUND` where a path that was named is not there
 */
export async function* imageFiles(paths: readonly string[], leftOut: LeftOut): AsyncGenerator<string, void, undefined> {
  // Of one path nothing can come twice.
  const seen = paths.length > 1 ? new Set<string>() : undefined;
  for (const each of paths) {
    for await (const file of (await isFolder(each)) ? filesIn(each, leftOut) : [each]) {
      if (seen?.has(path.resolve(file))) continue;
      seen?.add(path.resolve(file));
      yield file;
    }
  }
}

async function* filesIn(folder: string, leftOut: LeftOut): AsyncGenerator<string, void, undefined> {
  const entries = (await list(folder)).filter((entry) => !entry.name.startsWith("."));
  // By code units, which are the same everywhere.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(file, leftOut);
    else if (!IMAGE.test(entry.name)) leftOut.files += 1;
    // A link that leads nowhere becomes an error row.
    else if (!entry.isSymbolicLink() || !(await isFolder(file).catch(() => false))) yield file;
  }
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(folder, error);
  }
}

async function isFolder(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isDirectory();
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): MedInferError {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  const reason = code === "ENOENT" ? "there is no such file or folder" : `it cannot be read (${code})`;
  return new MedInferError("IMAGE_NOT_FOUND", `${shortenPath(file)}: ${reason}: check the path`);
}
