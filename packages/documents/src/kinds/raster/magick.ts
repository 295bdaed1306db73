import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { greyIfPossible } from "../pixels.js";
import { labToRgb } from "./lab-colours.js";
import type { Pixels } from "../open-document.js";

const importMagick = () => import("@imagemagick/magick-wasm");
type Magick = Awaited<ReturnType<typeof importMagick>>;

let loaded: Promise<Magick> | undefined;

/** Compiles ImageMagick where that was not done. */
function loadMagick(): Promise<Magick> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Magick> {
  const magick = await importMagick();
  const file = createRequire(__filename).resolve("@imagemagick/magick-wasm/magick.wasm");
  await magick.initializeImageMagick(await readFile(file));
  return magick;
}

/** The reader is named, and not chosen by the file: ImageMagick has many. */
export type MagickFormat = "TIFF" | "BMP";

/**
 * A picture as ImageMagick reads it, upright, of 8 bits, over white. REQUIRES: its size was checked.
 *
 * @param index of the picture in the file, from 0
 * @param how.size to which it is stretched
 * @param how.alpha whether a fourth channel is one of transparency, and not without a meaning. Default true
 * @returns undefined where it cannot be read, or only in part
 */
export async function decodeMagick(
  format: MagickFormat,
  bytes: Uint8Array,
  index: number,
  { size, alpha = true }: { size?: { width: number; height: number } | undefined; alpha?: boolean } = {},
): Promise<Pixels | undefined> {
  const magick = await loadMagick();
  const settings = new magick.MagickReadSettings({ format: format as never, frameIndex: index, frameCount: 1 });
  let warned = false;
  try {
    const collection = magick.MagickImageCollection.create();
    try {
      collection.read(bytes, settings);
      const [image] = collection;
      if (image === undefined) return undefined;
      image.onWarning = () => {
        warned = true;
      };
      image.autoOrient();
      // Its own way from Lab to sRGB is another white's.
      const isLab = image.colorSpace === magick.ColorSpace.Lab;
      if (!isLab) image.colorSpace = magick.ColorSpace.sRGB;
      if (!alpha) image.alpha(magick.AlphaAction.Off);
      else if (image.hasAlpha) {
        image.backgroundColor = magick.MagickColors.White;
        image.alpha(magick.AlphaAction.Remove);
      }
      if (size !== undefined) {
        const geometry = new magick.MagickGeometry(size.width, size.height);
        geometry.ignoreAspectRatio = true;
        image.resize(geometry);
      }
      const { width, height } = image;
      const data = image.getPixels((pixels) => pixels.toByteArray(0, 0, width, height, "RGB"));
      if (warned || data === null) return undefined;
      const samples = Uint8Array.from(data);
      if (isLab) labToRgb(samples);
      return greyIfPossible({ width, height, channels: 3, data: samples });
    } finally {
      collection.dispose();
    }
  } catch {
    return undefined;
  }
}
