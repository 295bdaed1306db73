import type { LimitedImage } from "./types.js";

/** Whether a value is an image with limits of its own, as far as its shape tells; of what it holds nothing is known. */
export function isLimitedImage(value: unknown): value is LimitedImage {
  return typeof value === "object" && value !== null && "image" in value;
}
