import { MedInferError } from "../errors.js";
import type { NativeImage } from "../native/types.js";

/** The limit on one image, and the way to give up on it. */
export interface ImageLimits {
  /** Most bytes of the file. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** How an image is loaded. */
export interface ImageLoadOptions extends ImageLimits {
  /** Reads an image file of at most `maxBytes`. */
  readFile(path: string): Promise<NativeImage>;
}

/** What is ready for the engine. */
export type LoadedImage = Uint8Array | NativeImage;

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
