import { damaged } from "../../../decoder/fault.js";
import { interleaved } from "../native-cells.js";
import type { Picture } from "../picture.js";
import type { Cells } from "../samples.js";

const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

/**
 * Decodes a frame of RLE Lossless, PS3.5 annex G: segments of PackBits, one for each byte of each sample, the most significant first,
 * one sample after the other. Whether the samples of a pixel lie together is not asked: they never do.
 *
 * @throws Fault
 */
export function decodeRle(bytes: Uint8Array, picture: Picture): Cells {
  const { samples, bitsAllocated } = picture;
  const pixels = picture.rows * picture.columns;
  if (bitsAllocated === 1) return { data: unpackedBits(bytes, pixels), precision: 1 };
  const size = bitsAllocated / 8;
  const starts = segmentStarts(bytes);
  if (starts.length !== samples * size)
    throw damaged("its RLE data has not the number of segments that its samples need");
  const planes = new (size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array)(pixels * samples);
  starts.forEach((start, index) => {
    const segment = unpack(bytes.subarray(start, starts[index + 1] ?? bytes.length), pixels);
    const shift = (size - 1 - (index % size)) * 8;
    const first = Math.floor(index / size) * pixels;
    for (let at = 0; at < pixels; at++) planes[first + at] = planes[first + at]! | (segment[at]! << shift);
  });
  return { data: samples > 1 ? interleaved(planes, pixels, samples) : planes, precision: bitsAllocated };
}

function unpackedBits(bytes: Uint8Array, pixels: number): Uint8Array {
  const starts = segmentStarts(bytes);
  if (starts.length !== 1) throw damaged("its RLE data has not the number of segments that its samples need");
  const packed = unpack(bytes.subarray(starts[0]), Math.ceil(pixels / 8));
  return Uint8Array.from({ length: pixels }, (_, at) => (packed[at >> 3]! >> (at & 7)) & 1);
}

function segmentStarts(bytes: Uint8Array): number[] {
  if (bytes.length < HEADER_BYTES) throw damaged("its RLE data is cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const count = view.getUint32(0, true);
  if (count < 1 || count > MAX_SEGMENTS) throw damaged("its RLE data has a damaged header");
  const starts = Array.from({ length: count }, (_, index) => view.getUint32(4 + index * 4, true));
  let before = HEADER_BYTES;
  for (const start of starts) {
    if (start < before || start > bytes.length) throw damaged("its RLE data has a damaged header");
    before = start;
  }
  return starts;
}

/** PackBits. Bytes behind the last that is needed are padding. */
function unpack(packed: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let to = 0;
  for (let at = 0; to < length;) {
    const control = packed[at++];
    if (control === undefined) throw damaged("its RLE data is cut short");
    if (control === 128) continue;
    const count = control < 128 ? control + 1 : 257 - control;
    if (control < 128) {
      if (at + count > packed.length) throw damaged("its RLE data is cut short");
      bytes.set(packed.subarray(at, at + Math.min(count, length - to)), to);
      at += count;
    } else {
      const value = packed[at++];
      if (value === undefined) throw damaged("its RLE data is cut short");
      bytes.fill(value, to, to + count);
    }
    to += count;
  }
  return bytes;
}
