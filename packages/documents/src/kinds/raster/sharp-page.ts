import sharp, { type Sharp } from "sharp";
import { damaged, Fault, tooLarge } from "../../decoder/fault.js";
import { greyIfPossible } from "../pixels.js";
import type { Pixels } from "../open-document.js";

/** Formats that libvips may open: what else it was built with reads other files, or the network. */
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: [
    "VipsForeignLoadTiff",
    "VipsForeignLoadWebp",
    "VipsForeignLoadHeif",
    "VipsForeignLoadNsgif",
    "VipsForeignLoadPng",
    "VipsForeignLoadJpeg",
  ],
});
// Each page is decoded once: what was kept would be a patient's.
sharp.cache(false);

/**
 * One page of a picture file. `failOn: "error"`: scanners write tags that libtiff warns of, and their pictures are whole.
 *
 * @param page from 0
 */
export function sharpPage(bytes: Uint8Array, page: number, maxPixels: number): Sharp {
  return sharp(bytes, { page, pages: 1, failOn: "error", limitInputPixels: maxPixels, sequentialRead: true });
}

/** Its pixels, of 8 bits, over white. @throws Fault (rejects) */
export async function decodeSharp(picture: Sharp, what: string, maxPixels: number): Promise<Pixels> {
  try {
    const { data, info } = await picture
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 1 && channels !== 3) throw new Fault("DOCUMENT_UNSUPPORTED", `${what} has ${channels} channels`);
    return greyIfPossible({ width, height, channels, data });
  } catch (error) {
    throw sharpFault(error, what, maxPixels);
  }
}

/** What libvips says holds places of the file and numbers, and names of options of ours that users cannot set: it is not shown. */
export function sharpFault(error: unknown, what: string, maxPixels: number): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : "";
  if (/exceeds pixel limit/.test(message)) return tooLarge(`${what} has more pixels than maxPixels (${maxPixels})`);
  if (/compression support is not configured|not supported|unsupported/i.test(message)) {
    return new Fault("DOCUMENT_UNSUPPORTED", `${what} is stored in a way that is not read: save it as PNG or JPEG`);
  }
  return damaged(`${what} is damaged or cut short: send it again from an intact copy`);
}
