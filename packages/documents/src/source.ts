import { Buffer } from "node:buffer";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { MedInferError } from "medinfer";
import type { DocumentBytes } from "./decoder/messages.js";
import { DocumentError } from "./errors.js";

/** What is needed of a `Blob` or `File`, whoever's class it is. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * A document: a path, its bytes, a `Blob` or `File`, or a URL object with `file:`, `http:` or `https:`. The network is used for
 * such a URL object alone.
 */
export type DocumentSource = string | Uint8Array | ArrayBuffer | BlobLike | URL;

/** How a source is read. */
interface Limits {
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws MedInferError (rejects) */
export async function documentBytes(source: DocumentSource, limits: Limits): Promise<DocumentBytes> {
  if (typeof source === "string" && source !== "" && !source.includes("\0")) {
    if (/^https?:/i.test(source)) throw wrong("is a web address in a string: pass new URL(address) to have it fetched");
    return { path: path.resolve(source) };
  }
  if (types.isUint8Array(source)) return { bytes: source };
  if (types.isAnyArrayBuffer(source)) return { bytes: new Uint8Array(source) };
  if (source instanceof URL) return fromUrl(source, limits);
  if (isBlob(source)) return { bytes: await readBlob(source, limits) };
  throw wrong("must be a path, bytes, a Blob or a URL object");
}

function isBlob(value: unknown): value is BlobLike {
  if (typeof value !== "object" || value === null) return false;
  const { size, arrayBuffer } = value as Partial<BlobLike>;
  return typeof size === "number" && typeof arrayBuffer === "function";
}

async function readBlob(blob: BlobLike, { maxBytes }: Limits): Promise<Uint8Array> {
  checkSize(blob.size, maxBytes);
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new DocumentError(
      "DOCUMENT_NOT_FOUND",
      "the Blob cannot be read; where a file is behind it, it was changed or removed",
    );
  }
}

async function fromUrl(url: URL, limits: Limits): Promise<DocumentBytes> {
  switch (url.protocol) {
    case "file:":
      try {
        return { path: fileURLToPath(url) };
      } catch {
        throw wrong("is a file: URL that names no local path");
      }
    case "http:":
    case "https:":
      return { bytes: await fetchBytes(url, limits) };
    default:
      throw wrong("has a URL that is none of file:, http: and https:");
  }
}

/** Messages leave the address out: its path and query may name a patient, or be a secret. */
async function fetchBytes(url: URL, { maxBytes, signal }: Limits): Promise<Uint8Array> {
  if (url.username !== "" || url.password !== "") {
    throw wrong("has a URL with a user name or a password: fetch it yourself and pass the bytes");
  }
  const failed = (message: string, retryable: boolean) => new DocumentError("DOCUMENT_FETCH", message, { retryable });
  try {
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok) {
      await response.body?.cancel();
      throw failed(`the server answered ${response.status}`, response.status === 429 || response.status >= 500);
    }
    checkSize(Number(response.headers.get("content-length") ?? 0), maxBytes);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += piece.byteLength;
      checkSize(size, maxBytes);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof MedInferError) throw error;
    if (signal?.aborted === true) {
      throw new MedInferError("ABORTED", "document: fetching it was aborted", { cause: signal.reason as unknown });
    }
    throw failed("the server cannot be reached, or the connection broke", true);
  }
}

function checkSize(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new DocumentError("DOCUMENT_TOO_LARGE", `it has ${size} bytes, more than maxBytes (${maxBytes})`);
}

const wrong = (message: string) => new MedInferError("INVALID_ARGUMENT", `document: source ${message}`);
