/** Where a request's images stand, as errors name it. */
import type { ImageInput, ResolvedMessage } from "../chat/types.js";
import { isLimitedImage } from "../chat/limited-image.js";
import { MedInferError, type ErrorCode } from "../errors.js";
import type { ImageSource } from "../images/load.js";

/** By source, e.g. `"messages[0].content[1]"`; of equal ones the first. */
export type ImagePlaces = ReadonlyMap<ImageSource, string>;

/** @param given what the caller has passed, checked */
export function imagePlaces({
  messages = [],
  images = [],
}: {
  messages?: readonly ResolvedMessage[];
  images?: readonly ImageInput[];
}): ImagePlaces {
  const places = new Map<ImageSource, string>();
  const add = (source: ImageSource, place: string) => {
    if (!places.has(source)) places.set(source, place);
  };
  messages.forEach(({ content }, i) => {
    if (typeof content === "string") return;
    content.forEach((part, j) => part.type === "image" && add(part.image, `messages[${i}].content[${j}]`));
  });
  images.forEach((image, i) => add(isLimitedImage(image) ? image.image : image, `images[${i}]`));
  return places;
}

/** Codes of what is wrong with an image, among the codes of other things. */
const ofImages: readonly ErrorCode[] = ["IMAGE_NOT_FOUND", "IMAGE_FETCH", "IMAGE_DECODE", "IMAGE_TOO_LARGE"];

/** What loading an image has failed with, with its place; an abort, or what has no place that is known, is as it was. */
export function loadError(error: unknown, place: string | undefined): unknown {
  if (!(error instanceof MedInferError) || place === undefined) return error;
  if (error.code !== "INVALID_ARGUMENT") return imageError(error, place);
  // As argumentError() makes them.
  const message = error.message.replace(/^image: /, "");
  return new MedInferError(error.code, `${place} ${message}`, {
    issues: [{ path: place, message }],
    cause: error.cause,
  });
}

/** An image's error, with its place; others, or where no place is known, are as they were. */
export function imageError(error: MedInferError, place: string | undefined): MedInferError {
  const { code, message, retryable, cause } = error;
  if (place === undefined || !ofImages.includes(code)) return error;
  return new MedInferError(code, `${place}: ${message}`, { issues: [{ path: place, message }], retryable, cause });
}

/** The place of the only image; undefined: there is none, or several, of which the engine does not tell which it was. */
export function onlyPlace(places: ImagePlaces | undefined): string | undefined {
  return places?.size === 1 ? [...places.values()][0] : undefined;
}
