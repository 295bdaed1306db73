import { damaged, tooLarge, unsupported } from "../../decoder/fault.js";
import type { DecodedPage, OpenDocument, OpenOptions } from "../open-document.js";
import { decodeMagick } from "./magick.js";

const FILE_SIZE = 2;
const PIXELS_AT = 10;
const INFO_HEADER = 14;
const OS2_HEADER_BYTES = 12;
/** BITMAPINFOHEADER: the fourth byte of a pixel is without a meaning, longer headers tell which bits are transparency. */
const WINDOWS_HEADER_BYTES = 40;
/** OS/2's second header: that of Windows with 24 bytes more. */
const OS2_V2_HEADER_BYTES = 64;
/** Compressions that mean the same in both: none, RLE8, RLE4. OS/2's 3 and 4 are its own. */
const LAST_SHARED_COMPRESSION = 2;
const INCHES_PER_METRE = 39.3701;

export function isBmp(head: Uint8Array): boolean {
  if (head.byteLength < 26 || head[0] !== 0x42 || head[1] !== 0x4d) return false;
  const size = viewOf(head).getUint32(INFO_HEADER, true);
  return size >= OS2_HEADER_BYTES && size <= 256;
}

/** Opens a BMP of any version, run lengths included. @throws Fault (rejects) */
export function openBmp(bytes: Uint8Array, options: OpenOptions): Promise<OpenDocument> {
  // What is thrown within rejects.
  return new Promise((resolve) => resolve(new BmpDocument(bytes, options.maxPixels)));
}

class BmpDocument implements OpenDocument {
  readonly kind = "bmp";
  readonly pageCount = 1;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, maxPixels: number) {
    this.#bytes = bytes;
    const { width, height } = sizeOf(bytes);
    if (width <= 0 || height <= 0) throw damaged("the BMP has no size: it is damaged");
    if (width * height > maxPixels) {
      throw tooLarge(`the BMP has ${width} x ${height} pixels, more than maxPixels (${maxPixels})`);
    }
  }

  async page(): Promise<DecodedPage> {
    const alpha = headerBytes(this.#bytes) > WINDOWS_HEADER_BYTES;
    const picture = await decodeMagick("BMP", withPlainHeader(this.#bytes), 0, { alpha });
    if (picture === undefined) throw damaged("the BMP is damaged or cut short: send it again from an intact copy");
    return { picture, size: pointsOf(this.#bytes), rotation: 0 };
  }

  close(): void {}
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const headerBytes = (bytes: Uint8Array) => viewOf(bytes).getUint32(INFO_HEADER, true);

/**
 * A copy with a header as ImageMagick 7.1 wants it: of OS/2 2 it takes three bytes of the palette for a colour, and not four, and
 * it refuses a wrong size of the file or number of planes, on which nothing depends.
 *
 * @throws Fault
 */
function withPlainHeader(bytes: Uint8Array): Uint8Array {
  const isOs2 = headerBytes(bytes) === OS2_V2_HEADER_BYTES && bytes.byteLength >= INFO_HEADER + OS2_V2_HEADER_BYTES;
  if (isOs2 && viewOf(bytes).getUint32(30, true) > LAST_SHARED_COMPRESSION) {
    throw unsupported("the BMP is compressed as OS/2 alone does it: save it as PNG");
  }
  const surplus = isOs2 ? OS2_V2_HEADER_BYTES - WINDOWS_HEADER_BYTES : 0;
  const header = INFO_HEADER + headerBytes(bytes) - surplus;
  const copy = new Uint8Array(bytes.byteLength - surplus);
  copy.set(bytes.subarray(0, header));
  copy.set(bytes.subarray(header + surplus), header);
  const view = viewOf(copy);
  view.setUint32(FILE_SIZE, copy.byteLength, true);
  view.setUint32(PIXELS_AT, Math.max(0, view.getUint32(PIXELS_AT, true) - surplus), true);
  view.setUint32(INFO_HEADER, headerBytes(bytes) - surplus, true);
  const planes = headerBytes(bytes) === OS2_HEADER_BYTES ? 22 : 26;
  view.setUint16(planes, 1, true);
  return copy;
}

function sizeOf(bytes: Uint8Array): { width: number; height: number } {
  const view = viewOf(bytes);
  if (view.getUint32(INFO_HEADER, true) === OS2_HEADER_BYTES) {
    return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  }
  // A negative height: rows from the top.
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
}

function pointsOf(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = viewOf(bytes);
  if (view.getUint32(INFO_HEADER, true) < 40 || bytes.byteLength < 54) return undefined;
  const [x, y] = [view.getInt32(38, true) / INCHES_PER_METRE, view.getInt32(42, true) / INCHES_PER_METRE];
  if (!(x > 1 && y > 1)) return undefined;
  const { width, height } = sizeOf(bytes);
  return { width: (width / x) * 72, height: (height / y) * 72 };
}
