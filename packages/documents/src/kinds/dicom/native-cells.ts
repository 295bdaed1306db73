import { damaged } from "../../decoder/fault.js";
import type { Picture } from "./picture.js";
import type { Cells, Numbers } from "./samples.js";

/** How native frames lie in their element. */
export interface NativeLayout {
  readonly littleEndian: boolean;
  /** Of the element: words of 16 bits (OW) hold bytes in the other order where they are big endian. */
  readonly vr: string;
}

/** Bits of a frame in a native element, PS3.5 section 8.1.1 and 8.2. */
export function frameBits({ rows, columns, samples, photometric, bitsAllocated }: Picture): number {
  // Two pixels share their colours: four samples instead of six.
  const perPixel = photometric === "YBR_FULL_422" || photometric === "YBR_PARTIAL_422" ? 2 : samples;
  return rows * columns * perPixel * bitsAllocated;
}

/**
 * The bytes of one frame. Frames of single bits follow each other without a gap, so that one may begin within a byte: that one's bits
 * are moved.
 *
 * @throws Fault where they are not all there
 */
export function nativeFrame(value: Uint8Array, index: number, picture: Picture, layout: NativeLayout): Uint8Array {
  const bits = frameBits(picture);
  const first = index * bits;
  if (first + bits > value.length * 8)
    throw damaged("its data is cut short: there are fewer bytes than rows and columns need");
  const swapped = !layout.littleEndian && layout.vr === "OW" && picture.bitsAllocated <= 8;
  // Whole words, so that their bytes can change places.
  const start = Math.floor(first / 16) * 2;
  let bytes = value.subarray(start, Math.min(value.length, Math.ceil((first + bits) / 16) * 2));
  if (swapped) bytes = swapBytes(bytes);
  const skip = first - start * 8;
  if (skip % 8 === 0) return bytes.subarray(skip / 8, Math.ceil((skip + bits) / 8));
  return shiftBits(bytes, skip, bits);
}

function swapBytes(bytes: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    swapped[at] = bytes[at + 1]!;
    swapped[at + 1] = bytes[at]!;
  }
  if (bytes.length % 2 === 1) swapped[bytes.length - 1] = bytes[bytes.length - 1]!;
  return swapped;
}

function shiftBits(bytes: Uint8Array, skip: number, bits: number): Uint8Array {
  const shifted = new Uint8Array(Math.ceil(bits / 8));
  for (let at = 0; at < shifted.length; at++) {
    const from = (skip >> 3) + at;
    shifted[at] = (bytes[from]! >> (skip & 7)) | ((bytes[from + 1] ?? 0) << (8 - (skip & 7)));
  }
  return shifted;
}

/** The cells of one frame's bytes, in the order of the pixels. REQUIRES: they are as many as the picture needs, and no floats */
export function nativeCells(bytes: Uint8Array, picture: Picture, littleEndian: boolean): Cells {
  const { bitsAllocated, photometric, planar, samples } = picture;
  const pixels = picture.rows * picture.columns;
  if (bitsAllocated === 1) {
    const data = new Uint8Array(pixels * samples);
    for (let at = 0; at < data.length; at++) data[at] = (bytes[at >> 3]! >> (at & 7)) & 1;
    return { data: planar ? interleaved(data, pixels, samples) : data, precision: 1 };
  }
  const data = words(bytes, bitsAllocated, littleEndian);
  if (photometric === "YBR_FULL_422" || photometric === "YBR_PARTIAL_422")
    return { data: unshared(data), precision: bitsAllocated };
  return { data: planar ? interleaved(data, pixels, samples) : data, precision: bitsAllocated };
}

/** Numbers of a float picture. */
export function floats(bytes: Uint8Array, bitsAllocated: number, littleEndian: boolean): Numbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bitsAllocated === 32) {
    return Float32Array.from({ length: bytes.length >> 2 }, (_, at) => view.getFloat32(at * 4, littleEndian));
  }
  return Float64Array.from({ length: bytes.length >> 3 }, (_, at) => view.getFloat64(at * 8, littleEndian));
}

function words(bytes: Uint8Array, bits: number, littleEndian: boolean): Cells["data"] {
  if (bits === 8) return bytes;
  // A copy: a view would have to begin at a multiple of its element's size.
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  if (bits === 16) {
    if (!littleEndian) copy.swap16();
    return new Uint16Array(copy.buffer);
  }
  if (!littleEndian) copy.swap32();
  return new Uint32Array(copy.buffer);
}

/** From one colour after the other to one pixel after the other. */
export function interleaved<T extends Cells["data"]>(planes: T, pixels: number, samples: number): T {
  const data = planes.slice() as T;
  for (let sample = 0; sample < samples; sample++) {
    for (let at = 0; at < pixels; at++) data[at * samples + sample] = planes[sample * pixels + at]!;
  }
  return data;
}

/** From Y Y Cb Cr for two pixels to Y Cb Cr for each, PS3.3 section C.7.6.3.1.2. */
function unshared(data: Cells["data"]): Cells["data"] {
  const own = new (data.constructor as new (length: number) => Cells["data"])((data.length / 2) * 3);
  for (let at = 0, to = 0; at + 3 < data.length; at += 4, to += 6) {
    own[to] = data[at]!;
    own[to + 3] = data[at + 1]!;
    own[to + 1] = own[to + 4] = data[at + 2]!;
    own[to + 2] = own[to + 5] = data[at + 3]!;
  }
  return own;
}
