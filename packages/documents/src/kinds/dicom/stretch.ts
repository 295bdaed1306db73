import { tooLarge } from "../../decoder/fault.js";
import type { Pixels } from "../open-document.js";

/**
 * Makes pixels square: the direction in which they are too long gets more of them, so that none is lost.
 *
 * @param ratio height of a pixel by its width
 * @throws Fault `DOCUMENT_TOO_LARGE`
 */
export function stretch(pixels: Pixels, ratio: number, maxPixels: number): Pixels {
  if (ratio === 1) return pixels;
  const { width, height } = pixels;
  const to = ratio > 1 ? { width, height: Math.round(height * ratio) } : { width: Math.round(width / ratio), height };
  if (to.width * to.height > maxPixels) {
    throw tooLarge(
      `its pixels are not square, and it has ${to.width} by ${to.height} of square ones: raise maxPixels, which is ${maxPixels}`,
    );
  }
  return ratio > 1 ? higher(pixels, to.height) : wider(pixels, to.width);
}

/** Where a pixel of a longer line lies on the shorter one: between two pixels, and how near to the second. */
function places(from: number, to: number) {
  return Array.from({ length: to }, (_, at) => {
    const place = Math.min(from - 1, Math.max(0, ((at + 0.5) * from) / to - 0.5));
    const first = Math.floor(place);
    return { first, second: Math.min(from - 1, first + 1), part: place - first };
  });
}

function higher({ width, height, channels, data }: Pixels, rows: number): Pixels {
  const stride = width * channels;
  const stretched = new Uint8Array(stride * rows);
  places(height, rows).forEach(({ first, second, part }, row) => {
    for (let x = 0; x < stride; x++) {
      const above = data[first * stride + x]!;
      stretched[row * stride + x] = Math.round(above + (data[second * stride + x]! - above) * part);
    }
  });
  return { width, height: rows, channels, data: stretched };
}

function wider({ width, height, channels, data }: Pixels, columns: number): Pixels {
  const stretched = new Uint8Array(columns * height * channels);
  places(width, columns).forEach(({ first, second, part }, column) => {
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < channels; channel++) {
        const left = data[(y * width + first) * channels + channel]!;
        const right = data[(y * width + second) * channels + channel]!;
        stretched[(y * columns + column) * channels + channel] = Math.round(left + (right - left) * part);
      }
    }
  });
  return { width: columns, height, channels, data: stretched };
}
