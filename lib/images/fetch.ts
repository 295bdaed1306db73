import { MedInferError } from "../errors.js";
import { checkSize, tooLarge, type ImageLoadOptions } from "./limits.js";

/**
 * The body that a web address answers with, read no further than the limit.
 *
 * @throws MedInferError `IMAGE_FETCH` (retryable where the server or the network is at fault) or `IMAGE_TOO_LARGE`
 */
export async function fetchImage(url: URL, { maxBytes, signal }: ImageLoadOptions): Promise<Uint8Array> {
  // Without the query and the credentials: they can be secrets.
  const shown = `${url.origin}${url.pathname}`;
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new MedInferError("IMAGE_FETCH", `image ${shown}: the server can not be reached`, {
      retryable: true,
      cause: error,
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

async function readBody(
  response: Response,
  shown: string,
  { maxBytes, signal }: ImageLoadOptions,
): Promise<Uint8Array> {
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
      cause: error,
    });
  }
  return Buffer.concat(pieces);
}
