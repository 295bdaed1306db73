/** Where an image's bytes come from. The bytes are decoded natively; nothing here looks into them. */
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { argumentError } from "../errors.js";
import { toUrl } from "../url.js";
import { isBlob, readBlob, type BlobLike } from "./blob.js";
import { decodeDataUrl } from "./data-url.js";
import { fetchImage } from "./fetch.js";
import { inlineImage } from "./inline.js";
import { checkSize, type ImageLoadOptions, type LoadedImage } from "./limits.js";

/**
 * An image: the bytes of a JPEG, PNG, GIF or BMP file, as a `Uint8Array`, `ArrayBuffer`, `Blob` or `File`; a path, a `file:`,
 * `http:` or `https:` URL object, a `data:` URL, or the file in base64. The network is used only where you pass a URL object
 * with `http:` or `https:`.
 */
export type ImageSource = Uint8Array | ArrayBuffer | BlobLike | string | URL;

/** Whether a value is an {@link ImageSource}, without looking whether there is an image behind it. */
export function isImageSource(value: unknown): value is ImageSource {
  const isBytes = types.isUint8Array(value) || types.isArrayBuffer(value);
  return isBytes || toUrl(value) !== undefined || (typeof value === "string" && value !== "") || isBlob(value);
}

/**
 * An image file, ready for the engine. Synchronous where its bytes are at hand, so that a request with such an image
 * enters the queue in the call itself.
 *
 * @throws MedInferError `IMAGE_NOT_FOUND`, `IMAGE_FETCH`, `IMAGE_TOO_LARGE`, `IMAGE_DECODE` or `INVALID_ARGUMENT`
 */
export function loadImage(source: ImageSource, options: ImageLoadOptions): LoadedImage | Promise<LoadedImage> {
  if (types.isUint8Array(source)) return checkSize(source, options.maxBytes);
  // Of a buffer that was transferred away, nothing is left, and no view can be made.
  if (types.isArrayBuffer(source)) {
    return checkSize(source.byteLength === 0 ? new Uint8Array() : new Uint8Array(source), options.maxBytes);
  }
  const url = toUrl(source);
  if (url !== undefined) return loadUrl(url, options);
  return typeof source === "string" ? loadText(source, options) : readBlob(source as BlobLike, options);
}

function loadText(source: string, options: ImageLoadOptions): LoadedImage | Promise<LoadedImage> {
  const inline = inlineImage(source);
  if (inline !== undefined) return checkSize(inline, options.maxBytes);
  if (/^https?:/i.test(source)) {
    throw argumentError(
      "image",
      "",
      "is a web address in a string: pass new URL(address) to have it fetched over the network",
    );
  }
  return readImage(/^file:/i.test(source) ? pathOf(source) : source, options);
}

function loadUrl(url: URL, options: ImageLoadOptions): LoadedImage | Promise<LoadedImage> {
  switch (url.protocol) {
    case "data:":
      return checkSize(decodeDataUrl(url.href), options.maxBytes);
    case "file:":
      return readImage(pathOf(url), options);
    case "http:":
    case "https:":
      return fetchImage(url, options);
    default:
      throw argumentError("image", "", "has a URL that is none of file:, http:, https: and data:");
  }
}

function pathOf(url: URL | string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw argumentError("image", "", "is a file: URL that names no local path");
  }
}

async function readImage(path: string, options: ImageLoadOptions): Promise<LoadedImage> {
  const { signal } = options;
  signal?.throwIfAborted();
  const image = await options.readFile(path);
  signal?.throwIfAborted();
  return image;
}
