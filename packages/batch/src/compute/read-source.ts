import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BatchError } from "../errors.js";
import type { Row } from "../work/compute.js";

/** Reads the bytes that a source or row refers to. */
export type Reader = (ref: string, signal?: AbortSignal) => Promise<Uint8Array>;

/**
 * Reads files, by an absolute path or a file: URL. On several hosts they have to be at the same path, as on a share.
 *
 * @throws BatchError (rejects) `SOURCE_UNREADABLE`
 */
export const readFiles: Reader = async (ref, signal) => {
  const file = ref.startsWith("file:") ? fileURLToPath(ref) : ref;
  if (/^[a-z][a-z0-9+.-]+:/i.test(ref) && !ref.startsWith("file:") && !path.isAbsolute(ref)) {
    throw new BatchError("SOURCE_UNREADABLE", "a source is a URL: pass a reader that can read it");
  }
  try {
    return await readFile(file, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    // A share that is away for a moment, and too many open files, pass.
    const retryable = ["EMFILE", "ENFILE", "EAGAIN", "ESTALE", "EIO", "ETIMEDOUT", "EBUSY"].includes(code);
    throw new BatchError("SOURCE_UNREADABLE", `the source cannot be read (${code})`, { retryable });
  }
};

/**
 * A row's bytes, which are those that were queued.
 *
 * @throws BatchError (rejects) `SOURCE_UNREADABLE`, or `SOURCE_CHANGED`
 */
export async function readRow(row: Row, reader: Reader, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await reader(row.ref, signal);
  if (row.sha256 !== null && createHash("sha256").update(bytes).digest("hex") !== row.sha256) {
    throw new BatchError(
      "SOURCE_CHANGED",
      "the source has other bytes than when it was queued: add the run's sources again",
    );
  }
  return bytes;
}

/**
 * The picture of a row's page, as bytes of an image file.
 *
 * @throws (rejects) with an error that has a `code`
 */
export type PageImage = (row: Row, bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/** Takes the file itself for the picture: of images with one page. */
export const fileIsImage: PageImage = (row, bytes) => {
  if (row.page === 1) return Promise.resolve(bytes);
  return Promise.reject(
    new BatchError("SOURCE_UNREADABLE", "the row is a page of a document: pass a pageImage that draws pages"),
  );
};
