/** Images as browsers, form parsers and `fs.openAsBlob` hand them out. */
import { MedInferError } from "../errors.js";
import { boundedCause } from "../excerpt.js";
import { checkSize, tooLarge, type ImageLimits } from "./limits.js";

/** What is needed of a `Blob` or `File`, whoever's class it is. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Whether a value has what a Blob has. A Response has no size, and is none. */
export function isBlob(value: unknown): value is BlobLike {
  if (typeof value !== "object" || value === null) return false;
  const { size, arrayBuffer } = value as Partial<BlobLike>;
  return typeof size === "number" && typeof arrayBuffer === "function";
}

/**
 * The bytes of a Blob; those of one that is too large are not read.
 *
 * @throws MedInferError (rejects) `IMAGE_TOO_LARGE`, `IMAGE_DECODE`, or `IMAGE_NOT_FOUND` where it cannot be read: a file
 * behind it may have changed
 */
export async function readBlob(blob: BlobLike, { maxBytes, signal }: ImageLimits): Promise<Uint8Array> {
  if (blob.size > maxBytes) throw tooLarge(blob.size, maxBytes);
  let buffer: ArrayBuffer;
  try {
    buffer = await blob.arrayBuffer();
  } catch (error) {
    const why = "image: the Blob cannot be read; where a file is behind it, it was changed or removed";
    throw new MedInferError("IMAGE_NOT_FOUND", why, { cause: boundedCause(error) });
  }
  signal?.throwIfAborted();
  return checkSize(new Uint8Array(buffer), maxBytes);
}
