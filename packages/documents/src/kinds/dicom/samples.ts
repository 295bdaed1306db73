import type { Picture } from "./picture.js";

/** Numbers of a frame. */
export type Numbers =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** A frame as it was unpacked: each pixel's cells together. */
export interface Cells {
  readonly data: Uint8Array | Uint16Array | Uint32Array;
  /** How many bits of a cell were stored, which may be those of the samples alone. */
  readonly precision: number;
}

/** A frame's samples: each pixel's together. */
export interface Samples {
  readonly data: Numbers;
  /** Where they are more than grey or indices. */
  readonly colours: "rgb" | "ybr" | "ybr-partial";
  /** Cells with what else is in them: overlays in bits that the samples do not use. */
  readonly cells?: Cells | undefined;
}

/** The samples within cells: without the bits above and below them, with their sign. */
export function samplesOf({ data, precision }: Cells, { bitsStored, highBit, signed }: Picture): Numbers {
  const stored = Math.min(bitsStored, precision);
  const shift = precision > bitsStored ? highBit - bitsStored + 1 : 0;
  const size = data.BYTES_PER_ELEMENT * 8;
  if (!signed && shift === 0 && stored === precision) return data;
  // To the top of 32 bits and back: the first drops what is above them, the second what is below, and copies the sign.
  const up = 32 - stored - shift;
  const down = 32 - stored;
  const samples = signed
    ? new (size === 8 ? Int8Array : size === 16 ? Int16Array : Int32Array)(data.length)
    : new (size === 8 ? Uint8Array : size === 16 ? Uint16Array : Uint32Array)(data.length);
  if (signed) for (let at = 0; at < data.length; at++) samples[at] = (data[at]! << up) >> down;
  else for (let at = 0; at < data.length; at++) samples[at] = (data[at]! << up) >>> down;
  return samples;
}
