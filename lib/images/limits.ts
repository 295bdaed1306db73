import { MedInferError } from "../errors.js";

/** Limits on one image, and the way to give up on it. */
export interface ImageLoadOptions {
  /** Most bytes of the file. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** The bytes themselves. Throws where there are none, or too many. */
export function checkSize(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.byteLength === 0) {
    throw new MedInferError("IMAGE_DECODE", "the image is empty: it has no bytes");
  }
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes);
  return bytes;
}

/** The error for an image of too many bytes. */
export function tooLarge(size: number, maxBytes: number): MedInferError {
  return new MedInferError(
    "IMAGE_TOO_LARGE",
    `the image has ${size} bytes, more than the ${maxBytes} allowed: ` +
      "send a smaller one or raise maxImageBytes of Engine.load",
  );
}
