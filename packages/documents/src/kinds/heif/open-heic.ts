import { damaged, Fault, tooLarge } from "../../decoder/fault.js";
import { greyIfPossible, withoutAlpha } from "../pixels.js";
import type { DecodedPage, OpenDocument, OpenOptions } from "../open-document.js";
import { isCutShort } from "./is-cut-short.js";
import { loadLibheif, type HeifImage } from "./libheif.js";

/** Brands of ISO 23008-12, clause 10.2: HEVC-coded images and sequences, and images of any coding. */
const BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1", "mif2"];

/** Whether a file is HEIF by its first box. One that is AVIF as well (`avif` among its brands) is not ours. */
export function isHeic(head: Uint8Array): boolean {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 64)).toString("latin1");
  if (text.slice(4, 8) !== "ftyp" || !BRANDS.includes(text.slice(8, 12))) return false;
  return !/avi[fs]/.test(text.slice(16));
}

/**
 * Opens a HEIC file, as phones write it. Its pictures are its pages, the primary one first; libheif turns them upright itself.
 *
 * @throws Fault (rejects)
 */
export function openHeic(bytes: Uint8Array, options: OpenOptions): Promise<OpenDocument> {
  // What is thrown within rejects.
  return new Promise((resolve) => resolve(open(bytes, options)));
}

function open(bytes: Uint8Array, options: OpenOptions): OpenDocument {
  if (isCutShort(bytes)) throw damaged("the HEIC file is cut short: send it again from an intact copy");
  const images = new (loadLibheif().HeifDecoder)().decode(bytes);
  if (images.length === 0) throw damaged("the HEIC file is damaged or cut short: send it again from an intact copy");
  if (images.length > options.maxPages) {
    throw tooLarge(`the HEIC file has ${images.length} pictures, more than maxPages (${options.maxPages})`);
  }
  const primary = images.findIndex((image) => image.is_primary());
  if (primary > 0) images.unshift(...images.splice(primary, 1));
  return new HeicDocument(images, options.maxPixels);
}

class HeicDocument implements OpenDocument {
  readonly kind = "heic";
  readonly #images: readonly HeifImage[];
  readonly #maxPixels: number;

  constructor(images: readonly HeifImage[], maxPixels: number) {
    this.#images = images;
    this.#maxPixels = maxPixels;
  }

  get pageCount(): number {
    return this.#images.length;
  }

  async page(number: number): Promise<DecodedPage> {
    const image = this.#images[number - 1]!;
    const [width, height] = [image.get_width(), image.get_height()];
    if (width * height > this.#maxPixels) {
      throw tooLarge(`the picture has ${width} x ${height} pixels, more than maxPixels (${this.#maxPixels})`);
    }
    const data = new Uint8ClampedArray(width * height * 4);
    await decoded(image, { data, width, height });
    const bytes = new Uint8Array(data.buffer);
    return { picture: greyIfPossible(withoutAlpha({ width, height, data: bytes })), rotation: 0 };
  }

  close(): void {
    for (const image of this.#images) image.free();
  }
}

function decoded(image: HeifImage, target: { data: Uint8ClampedArray; width: number; height: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    image.display(target, (result) => {
      if (result === null) reject(new Fault("DOCUMENT_DECODE", "the picture's data is damaged or cut short"));
      else resolve();
    });
  });
}
