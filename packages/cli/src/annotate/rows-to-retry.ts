import path from "node:path";
import { documentFiles } from "../documents/document-files.js";
import { fileIdOf, rowId } from "./identity.js";
import type { FailedRow } from "./read-rows.js";

/**
 * Of rows with an error, those of the files that a run reads: they are to be asked again. A row is a file's that has its name,
 * whatever bytes are in it now: it may have been mended. One that has another name is known by its bytes, as where it has moved.
 *
 * @param asked the digest of what every row is asked
 * @returns in the order of `failed`
 */
export async function rowsToRetry(
  failed: readonly FailedRow[],
  { paths, asked, signal }: { paths: readonly string[]; asked: string; signal: AbortSignal },
): Promise<FailedRow[]> {
  const names = new Set(failed.map(({ file }) => path.resolve(file)));
  const found = new Set<string>();
  for await (const file of documentFiles(paths, { files: 0 })) {
    signal.throwIfAborted();
    if (names.has(path.resolve(file))) found.add(path.resolve(file));
  }
  const isFound = ({ file }: FailedRow) => found.has(path.resolve(file));
  const moved = new Set(failed.filter((row) => !isFound(row)).map(({ id }) => fileIdOf(id)));
  const ids = new Set<string>();
  // All files are read for it: only where there are such rows.
  if (moved.size > 0) {
    for await (const file of documentFiles(paths, { files: 0 })) {
      signal.throwIfAborted();
      const id = found.has(path.resolve(file)) ? undefined : await rowId(asked, file);
      if (id !== undefined && moved.has(id)) ids.add(id);
    }
  }
  return failed.filter((row) => isFound(row) || ids.has(fileIdOf(row.id)));
}
