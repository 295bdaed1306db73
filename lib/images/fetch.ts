import { Buffer } from "node:buffer";
import type { URL } from "node:url";
import { argumentError, MedInferError } from "../errors.js";
import { boundedCause, excerpt } from "../excerpt.js";
import { checkSize, tooLarge, type ImageLimits } from "./limits.js";

/**
 * The body that a web address answers with, read no further than the limit.
 *
 * @throws MedInferError `IMAGE_FETCH` (retryable where the server or the network is at fault) or `IMAGE_TOO_LARGE`
 */
export async function fetchImage(url: URL, { maxBytes, signal }: ImageLimits): Promise<Uint8Array> {
  // fetch() refuses it, too, and its message holds them.
  if (url.username !== "" || url.password !== "") {
    throw argumentError("image", "", "has a URL with a user name or a password: fetch it yourself and pass the bytes");
  }
  // Without the query: it can be a secret.
  const shown = excerpt(`${url.origin}${url.pathname}`);
  if (typeof fetch !== "function") {
    // As in jsdom.
    throw new MedInferError(
      "IMAGE_FETCH",
      `image ${shown}: there is no fetch() here: load it yourself and pass its bytes`,
    );
  }
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new MedInferError("IMAGE_FETCH", `image ${shown}: the server cannot be reached`, {
      retryable: true,
      cause: boundedCause(error),
    });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new MedInferError("IMAGE_FETCH", `image ${shown}: the server answered ${response.status}`, {
      retryable: response.status === 429 || response.status >= 500,
    });
  }
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw tooLarge(announced, maxBytes);
  }
  return checkSize(await readBody(response, shown, { maxBytes, signal }), maxBytes);
}

async function readBody(response: Response, shown: string, { maxBytes, signal }: ImageLimits): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += piece.byteLength;
      if (size > maxBytes) throw tooLarge(size, maxBytes);
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof MedInferError || signal?.aborted === true) throw error;
    throw new MedInferError("IMAGE_FETCH", `image ${shown}: the connection broke`, {
      retryable: true,
      cause: boundedCause(error),
    });
  }
  return Buffer.concat(pieces);
}
