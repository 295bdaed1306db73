import { Tag, type TiffDirectory } from "./tiff-directories.js";

const SHORT = 3;
/** Compressions of faxes: CCITT's modified Huffman, with and without word boundaries, group 3 and group 4. */
const FAX = [2, 3, 4, 32_771];
const MIN_IS_WHITE = 0;
const MIN_IS_BLACK = 1;
const RGB = 2;
const SIGNED = 2;

/**
 * A copy of a TIFF whose one page is that of a directory, with fields as libtiff understands them (tif_getimage.c) where its users
 * do not: a PhotometricInterpretation that is missing is told by compression and samples, and 8 bits are unsigned whatever
 * SampleFormat says.
 *
 * @returns undefined where the page needs none of that
 */
export function repairedTiff(bytes: Uint8Array, directory: TiffDirectory): Uint8Array | undefined {
  const { photometric, compression, bits, sampleFormat, samples, fields } = directory;
  const isSignedByte = bits === 8 && sampleFormat === SIGNED;
  if (photometric !== undefined && !isSignedByte) return undefined;
  const big = bytes[2] === 43 || bytes[3] === 43;
  const little = bytes[0] === 0x49;
  const size = big ? 20 : 12;
  const kept = fields.filter(({ tag }) => tag !== Tag.sampleFormat || !isSignedByte);
  const parts = kept.map(({ tag, at }) => ({ tag, part: bytes.subarray(at, at + size) }));
  if (photometric === undefined) {
    const value = samples >= 3 ? RGB : FAX.includes(compression) ? MIN_IS_WHITE : MIN_IS_BLACK;
    const part = shortField(Tag.photometric, value, { big, little });
    parts.push({ tag: Tag.photometric, part });
  }
  parts.sort((a, b) => a.tag - b.tag);
  // The new directory stands behind the file, at an even place, and the header leads there. No other one follows it.
  const at = bytes.byteLength + (bytes.byteLength % 2);
  const head = big ? 8 : 2;
  const copy = new Uint8Array(at + head + parts.length * size + (big ? 8 : 4));
  copy.set(bytes);
  const view = new DataView(copy.buffer);
  if (big) {
    view.setBigUint64(8, BigInt(at), little);
    view.setBigUint64(at, BigInt(parts.length), little);
  } else {
    view.setUint32(4, at, little);
    view.setUint16(at, parts.length, little);
  }
  parts.forEach(({ part }, index) => copy.set(part, at + head + index * size));
  return copy;
}

function shortField(tag: number, value: number, { big, little }: { big: boolean; little: boolean }): Uint8Array {
  const view = new DataView(new ArrayBuffer(big ? 20 : 12));
  view.setUint16(0, tag, little);
  view.setUint16(2, SHORT, little);
  if (big) view.setBigUint64(4, 1n, little);
  else view.setUint32(4, 1, little);
  view.setUint16(big ? 12 : 8, value, little);
  return new Uint8Array(view.buffer);
}
