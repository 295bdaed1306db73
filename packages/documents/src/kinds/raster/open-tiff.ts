import { damaged, Fault, tooLarge } from "../../decoder/fault.js";
import type { DecodedPage, OpenDocument, OpenOptions, Pixels } from "../open-document.js";
import { decodeMagick } from "./magick.js";
import { rotationOf } from "./orientation.js";
import { repairedTiff } from "./repair-tiff.js";
import { decodeSharp, sharpPage } from "./sharp-page.js";
import { tiffDirectories, type TiffDirectory } from "./tiff-directories.js";

/** Densities of scanners and faxes; others are no densities. */
const LEAST_DENSITY = 20;
const MOST_DENSITY = 10_000;
/** By how much the sides of a pixel may differ and still be taken for the same: fax pages differ by 4 or 108 %. */
const SQUARE_WITHIN = 1.02;
const MOST_UNEQUAL = 8;

/** A TIFF or BigTIFF of either byte order. */
export function isTiff(head: Uint8Array): boolean {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 4)).toString("latin1");
  return ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(text);
}

/**
 * Opens a TIFF. Page by page: the pages of a fax differ in height. What libvips does not read (planes in tiles, Lab, 12 bits,
 * old-style JPEG), ImageMagick does.
 *
 * @throws Fault (rejects)
 */
export function openTiff(bytes: Uint8Array, options: OpenOptions): Promise<OpenDocument> {
  // What is thrown within rejects.
  return new Promise((resolve) => resolve(new TiffDocument(bytes, options)));
}

class TiffDocument implements OpenDocument {
  readonly kind = "tiff";
  readonly #bytes: Uint8Array;
  readonly #maxPixels: number;
  /** Those of pages, and where each stands in the file. */
  readonly #pages: readonly { readonly index: number; readonly directory: TiffDirectory }[];

  constructor(bytes: Uint8Array, { maxPixels, maxPages }: OpenOptions) {
    this.#bytes = bytes;
    this.#maxPixels = maxPixels;
    const all = tiffDirectories(bytes, 4 * maxPages + 4).map((directory, index) => ({ directory, index }));
    const pages = all.filter(({ directory }) => !directory.isAuxiliary);
    this.#pages = pages.length === 0 ? all.slice(0, 1) : pages;
    if (this.#pages.length > maxPages) throw tooLarge(`the TIFF has more pages than maxPages (${maxPages})`);
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  async page(number: number): Promise<DecodedPage> {
    const { index, directory } = this.#pages[number - 1]!;
    const shape = shapeOf(directory);
    if (!(directory.width > 0 && directory.height > 0)) throw damaged("the TIFF's page has no size: it is damaged");
    if (shape.width * shape.height > this.#maxPixels || directory.width * directory.height > this.#maxPixels) {
      throw tooLarge(
        `the TIFF's page has ${shape.width} x ${shape.height} pixels, more than maxPixels (${this.#maxPixels})`,
      );
    }
    const repaired = repairedTiff(this.#bytes, directory);
    const bytes = repaired ?? this.#bytes;
    const picture = await this.#decode(bytes, repaired === undefined ? index : 0, shape, isWide(directory));
    return { picture, size: shape.points, rotation: shape.rotation };
  }

  close(): void {}

  async #decode(bytes: Uint8Array, index: number, shape: Shape, isWide: boolean): Promise<Pixels> {
    const target = shape.isStretched ? { width: shape.width, height: shape.height } : undefined;
    const byMagick = () => decodeMagick("TIFF", bytes, index, { size: target });
    const wide = isWide ? await byMagick() : undefined;
    if (wide !== undefined) return wide;
    try {
      const upright = sharpPage(bytes, index, this.#maxPixels).autoOrient();
      if (target !== undefined) upright.resize({ ...target, fit: "fill" });
      return await decodeSharp(upright, "the TIFF's page", this.#maxPixels);
    } catch (error) {
      const hopeless = !(error instanceof Fault) || error.code === "DOCUMENT_TOO_LARGE";
      const other = hopeless ? undefined : await byMagick();
      if (other === undefined) throw error;
      return other;
    }
  }
}

/** Unsigned samples of 32 bits: their whole range is black to white (TIFF 6.0, BitsPerSample); libvips cuts them off at 255. */
const isWide = ({ bits, sampleFormat }: TiffDirectory) => bits === 32 && sampleFormat === 1;

/** Of the upright page. */
interface Shape {
  readonly width: number;
  readonly height: number;
  readonly isStretched: boolean;
  readonly points?: { readonly width: number; readonly height: number } | undefined;
  readonly rotation: 0 | 90 | 180 | 270;
}

/** A page whose pixels are not square is stretched along its coarser side: a fax of 204 x 98 to 204 x 204. */
function shapeOf({ width, height, orientation, density }: TiffDirectory): Shape {
  const turned = orientation >= 5;
  const rotation = rotationOf(orientation);
  const across = turned ? density?.y : density?.x;
  const down = turned ? density?.x : density?.y;
  const [w, h] = turned ? [height, width] : [width, height];
  const plausible = (value: number | undefined): value is number =>
    value !== undefined && value >= LEAST_DENSITY && value <= MOST_DENSITY;
  if (!plausible(across) || !plausible(down)) return { width: w, height: h, isStretched: false, rotation };
  const finest = Math.max(across, down);
  const unequal = finest / Math.min(across, down);
  const isStretched = unequal > SQUARE_WITHIN && unequal <= MOST_UNEQUAL;
  return {
    width: isStretched ? Math.round((w * finest) / across) : w,
    height: isStretched ? Math.round((h * finest) / down) : h,
    isStretched,
    points: { width: (w / across) * 72, height: (h / down) * 72 },
    rotation,
  };
}
