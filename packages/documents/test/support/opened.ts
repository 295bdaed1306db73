import { readFileSync } from "node:fs";
import { Fault } from "../../src/decoder/fault.js";
import type { DecodedPage, OpenDocument, OpenOptions, Pixels } from "../../src/kinds/open-document.js";
import { openDocument } from "../../src/kinds/open.js";

export const options: OpenOptions = { maxPixels: 4_000_000, maxPages: 100, dpi: 144 };

/** Opens a document in this process, with `options` where no others are given. */
export const opened = (bytes: Uint8Array, more: Partial<OpenOptions> = {}): Promise<OpenDocument> =>
  openDocument(bytes, { ...options, ...more });

/** A page of a document that is opened for it. */
export async function pageOf(bytes: Uint8Array, number = 1, more: Partial<OpenOptions> = {}): Promise<DecodedPage> {
  const document = await opened(bytes, more);
  try {
    return await document.page(number);
  } finally {
    document.close();
  }
}

/** Its pixels; not of what stays encoded. */
export function pixelsOf({ picture }: DecodedPage): Pixels {
  if ("encoded" in picture) throw new Error("it is encoded");
  return picture;
}

/** The fault with which a promise rejects. Anything else fails the test. */
export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** The colour of a pixel. */
export function colourAt({ width, channels, data }: Pixels, x: number, y: number): number[] {
  const at = (y * width + x) * channels;
  return channels === 1 ? [data[at]!, data[at]!, data[at]!] : [...data.subarray(at, at + 3)];
}

/** The names of the colours in the middles of a picture's quarters, from the upper left one by rows. */
export function quarters(pixels: Pixels): string[] {
  const { width, height } = pixels;
  const across = [Math.floor(width / 4), Math.floor((width * 3) / 4)];
  const down = [Math.floor(height / 4), Math.floor((height * 3) / 4)];
  return down.flatMap((y) => across.map((x) => nameOf(colourAt(pixels, x, y))));
}

function nameOf(colour: readonly number[]): string {
  const bits = colour.map((value) => (value >= 240 ? "1" : value <= 15 ? "0" : "?")).join("");
  return { "100": "red", "010": "green", "001": "blue", "111": "white", "000": "black" }[bits] ?? colour.join(",");
}

/** A file of test/files. */
export const stored = (name: string) => new Uint8Array(readFileSync(new URL(`../files/${name}`, import.meta.url)));
