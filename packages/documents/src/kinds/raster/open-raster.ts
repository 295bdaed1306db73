import sharp from "sharp";
import { tooLarge } from "../../decoder/fault.js";
import type { DecodedPage, DocumentKind, OpenDocument, OpenOptions } from "../open-document.js";
import { rotationOf } from "./orientation.js";
import { decodeSharp, sharpFault, sharpPage } from "./sharp-page.js";

const names = { webp: "the WebP file", avif: "the AVIF file" } as const;

/** Which of these a file is by its first bytes; undefined: none. */
export function rasterKind(head: Uint8Array): "webp" | "avif" | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 64)).toString("latin1");
  if (/^RIFF[^]{4}WEBP/.test(text)) return "webp";
  if (text.slice(4, 8) === "ftyp" && /avi[fs]/.test(text.slice(8))) return "avif";
  return undefined;
}

/** Opens a WebP or AVIF file; the frames of an animation are pages. @throws Fault (rejects) */
export async function openRaster(
  kind: "webp" | "avif",
  bytes: Uint8Array,
  options: OpenOptions,
): Promise<OpenDocument> {
  const what = names[kind];
  try {
    const { pages = 1, orientation } = await sharp(bytes, { failOn: "error", limitInputPixels: false }).metadata();
    if (pages > options.maxPages)
      throw tooLarge(`${what} has ${pages} frames, more than maxPages (${options.maxPages})`);
    return new RasterDocument(kind, bytes, pages, rotationOf(orientation), options.maxPixels);
  } catch (error) {
    throw sharpFault(error, what, options.maxPixels);
  }
}

class RasterDocument implements OpenDocument {
  readonly #bytes: Uint8Array;
  readonly #maxPixels: number;

  constructor(
    readonly kind: DocumentKind & ("webp" | "avif"),
    bytes: Uint8Array,
    readonly pageCount: number,
    readonly rotation: DecodedPage["rotation"],
    maxPixels: number,
  ) {
    this.#bytes = bytes;
    this.#maxPixels = maxPixels;
  }

  async page(number: number): Promise<DecodedPage> {
    const picture = sharpPage(this.#bytes, number - 1, this.#maxPixels).autoOrient();
    return { picture: await decodeSharp(picture, names[this.kind], this.#maxPixels), rotation: this.rotation };
  }

  close(): void {}
}
