import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { pipeline } from "node:stream/promises";
import type { Reader } from "../compute/read-source.js";
import { BatchError, toRowError, type RowError } from "../errors.js";
import type { PreparedRow } from "../manifest/add-rows.js";
import { rowId, unreadableRowId } from "../manifest/identity.js";

/** Something to be asked: a file, or a page of one. */
export interface Source {
  /** Yours; exports have it. */
  id?: string;
  /** A file's path, or a file: URL. Relative ones are taken from where the process runs. */
  path?: string;
  /** A reference of yours, as a URL, that `reader` reads. */
  ref?: string;
  /** One page of it, from 1. Default: all of its pages, as `pagesOf` counts them. */
  page?: number;
  /** The sha256 of its bytes, in hex, where it is known: they are not read then to queue it. */
  sha256?: string;
}

/** How many pages a source has. @throws (rejects) with an error that has a `code`: the source is a failed row then */
export type PagesOf = (source: Source & { ref: string }, signal?: AbortSignal) => Promise<number>;

/** What sources are read with. */
export interface SourceReaders {
  asked: string;
  /** Undefined: files are read as streams. */
  reader: Reader | undefined;
  /** Undefined: each source has one page. */
  pagesOf: PagesOf | undefined;
  signal: AbortSignal | undefined;
}

/** The rows that a source is: one for each page. What cannot be read, or counted, is one row that has failed. */
export async function prepareRows(source: Source, readers: SourceReaders): Promise<PreparedRow[]> {
  const { asked, pagesOf, signal } = readers;
  const ref = refOf(source);
  const name = source.id;
  let sha256: string;
  try {
    sha256 = source.sha256 ?? (await digest(ref, readers));
  } catch (error) {
    signal?.throwIfAborted();
    const page = source.page ?? 0;
    return [{ row: unreadableRowId(ref, page, asked), ref, page, sha256: undefined, name, failure: toRowError(error) }];
  }
  const prepared = (page: number, failure?: RowError): PreparedRow => ({
    ...{ row: rowId(sha256, page, asked), ref, page, sha256, name },
    failure,
  });
  if (source.page !== undefined) return [prepared(source.page)];
  if (pagesOf === undefined) return [prepared(1)];
  try {
    const pages = await pagesOf({ ...source, ref, sha256 }, signal);
    if (!Number.isInteger(pages) || pages < 1) throw new BatchError("SOURCE_UNREADABLE", "the source has no page");
    return Array.from({ length: pages }, (_, index) => prepared(index + 1));
  } catch (error) {
    signal?.throwIfAborted();
    return [prepared(0, toRowError(error))];
  }
}

function refOf(source: Source): string {
  const { path: file, ref, page, sha256 } = source;
  if ((file === undefined) === (ref === undefined)) {
    throw new BatchError("INVALID_ARGUMENT", "annotateJob: a source has either a path or a ref");
  }
  if (page !== undefined && (!Number.isInteger(page) || page < 1)) {
    throw new BatchError("INVALID_ARGUMENT", "annotateJob: a source's page is an integer from 1");
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new BatchError("INVALID_ARGUMENT", "annotateJob: a source's sha256 is 64 hex digits in lower case");
  }
  if (ref !== undefined) return ref;
  return path.resolve(file!.startsWith("file:") ? fileURLToPath(file!) : file!);
}

async function digest(ref: string, { reader, signal }: SourceReaders): Promise<string> {
  const hash = createHash("sha256");
  if (reader !== undefined) return hash.update(await reader(ref, signal)).digest("hex");
  try {
    // A document may have gigabytes.
    await pipeline(createReadStream(ref), hash, signal === undefined ? {} : { signal });
    return hash.digest("hex");
  } catch (error) {
    signal?.throwIfAborted();
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new BatchError("SOURCE_UNREADABLE", `the source cannot be read (${code})`);
  }
}
