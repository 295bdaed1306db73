import type { Pixels } from "./open-document.js";

/** The same picture with one channel, where none of its pixels has a colour: a third of the bytes. */
export function greyIfPossible(pixels: Pixels): Pixels {
  const { data, channels } = pixels;
  if (channels === 1) return pixels;
  for (let at = 0; at < data.length; at += 3) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return pixels;
  }
  const grey = new Uint8Array(data.length / 3);
  for (let at = 0; at < grey.length; at++) grey[at] = data[at * 3]!;
  return { ...pixels, channels: 1, data: grey };
}

/** RGBA over white, as on paper. */
export function withoutAlpha({ width, height, data }: { width: number; height: number; data: Uint8Array }): Pixels {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[from + channel]!;
      rgb[to + channel] = alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { width, height, channels: 3, data: rgb };
}
