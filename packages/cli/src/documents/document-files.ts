/** The documents that annotate reads: files as they are named, those of folders in a fixed order. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { MedInferError } from "medinfer";
import { tell } from "../complaint.js";
import { shortenPath } from "../shorten.js";
import { isDocument, readHead } from "./file-type.js";

/** Names that are taken for documents' in a folder, whatever is in the file: one that is broken becomes an error row. */
const NAMED = /\.(png|jpe?g|bmp|gif|webp|avif|hei[cf]|tiff?|pdf|dcm|dicom)$/i;
/** An index of DICOM files, which is DICOM and has no picture. */
const DICOM_INDEX = /^DICOMDIR$/i;

/** What was left out of folders. */
export interface LeftOut {
  /** Files that are no documents, going by their names and their first bytes. */
  files: number;
}

/**
 * The files one by one, so that any number takes little memory: at most the names of one folder, and of those around it.
 * Of folders those whose name or beginning is a document's, recursively and sorted by name; what begins with a dot is left out,
 * as are links to folders. Each file comes once.
 *
 * @throws MedInferError (from the iteration) `IMAGE_NOT_FOUND` where a path that was named is not there, `INVALID_ARGUMENT` where it
 * is a URL
 */
export async function* documentFiles(
  paths: readonly string[],
  leftOut: LeftOut,
): AsyncGenerator<string, void, undefined> {
  // Of one path nothing can come twice.
  const seen = paths.length > 1 ? new Set<string>() : undefined;
  for (const each of paths) {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(each)) throw noPath();
    for await (const file of (await isFolder(each)) ? filesIn(each, leftOut) : [each]) {
      if (seen?.has(path.resolve(file))) continue;
      seen?.add(path.resolve(file));
      yield file;
    }
  }
}

/** A number alone: names may be patients'. */
export function tellLeftOut({ files }: LeftOut): void {
  if (files > 0) tell(`${files} files in the folders are left out: they are no documents that are read`);
}

async function* filesIn(folder: string, leftOut: LeftOut): AsyncGenerator<string, void, undefined> {
  const entries = (await list(folder)).filter((entry) => !entry.name.startsWith("."));
  // By code units, which are the same everywhere.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(file, leftOut);
    else if (!(await isTaken(entry.name, file))) leftOut.files += 1;
    // A link that leads nowhere becomes an error row.
    else if (!entry.isSymbolicLink() || !(await isFolder(file).catch(() => false))) yield file;
  }
}

async function isTaken(name: string, file: string): Promise<boolean> {
  if (DICOM_INDEX.test(name)) return false;
  // Archives give DICOM files names without an end.
  return NAMED.test(name) || isDocument(await readHead(file).catch(() => new Uint8Array()));
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

function noPath(): MedInferError {
  const cure = "mount the bucket, or copy it with its own tools, and name the folder";
  return new MedInferError("INVALID_ARGUMENT", `s3:// and other URLs are not read, files and folders are: ${cure}`);
}
