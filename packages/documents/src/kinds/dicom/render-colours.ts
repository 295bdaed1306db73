import type { Picture } from "./picture.js";
import type { Numbers, Samples } from "./samples.js";

/** RGB of 8 bits: the whole range of the samples' bits is seen. */
export function renderColours({ data, colours }: Samples, picture: Picture): Uint8Array {
  const eight = toEightBits(data, picture);
  if (colours === "rgb") return eight;
  return colours === "ybr" ? fromYbrFull(eight) : fromYbrPartial(eight);
}

function toEightBits(data: Numbers, { bitsStored, signed }: Picture): Uint8Array {
  if (data instanceof Uint8Array && bitsStored === 8) return data.slice();
  const least = signed ? -(2 ** (bitsStored - 1)) : 0;
  const scale = 255 / (2 ** bitsStored - 1);
  const eight = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) eight[at] = clamp((data[at]! - least) * scale);
  return eight;
}

const clamp = (value: number) => (value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value));

/** PS3.3 section C.7.6.3.1.2, turned around: the coefficients of ITU-R BT.601 over the full range. */
function fromYbrFull(data: Uint8Array): Uint8Array {
  for (let at = 0; at + 2 < data.length; at += 3) {
    const y = data[at]!;
    const cb = data[at + 1]! - 128;
    const cr = data[at + 2]! - 128;
    data[at] = clamp(y + 1.402 * cr);
    data[at + 1] = clamp(y - ((0.114 * 1.772) / 0.587) * cb - ((0.299 * 1.402) / 0.587) * cr);
    data[at + 2] = clamp(y + 1.772 * cb);
  }
  return data;
}

/** The same over the range of a video signal: Y from 16 to 235, Cb and Cr from 16 to 240. */
function fromYbrPartial(data: Uint8Array): Uint8Array {
  for (let at = 0; at < data.length; at++) {
    data[at] = at % 3 === 0 ? clamp(((data[at]! - 16) * 255) / 219) : clamp(((data[at]! - 128) * 255) / 224 + 128);
  }
  return fromYbrFull(data);
}
