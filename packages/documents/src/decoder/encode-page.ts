import sharp from "sharp";
import type { DecodedPage } from "../kinds/open-document.js";
import type { EncodedPage } from "./messages.js";

/** Of zlib: pages are read once or twice, at once, and most of them are white. */
const QUICK = 2;

/** A page as PNG, or as the file that it was. */
export async function encodePage({ picture, size, rotation, text, dicom }: DecodedPage): Promise<EncodedPage> {
  const { width, height } = picture;
  const facts = { width, height, size, rotation, text, dicom };
  if ("encoded" in picture) return { image: picture.encoded, mediaType: mediaTypeOf(picture.encoded), ...facts };
  const raw = { width, height, channels: picture.channels };
  const image = await sharp(picture.data, { raw, limitInputPixels: false })
    .toColourspace(picture.channels === 1 ? "b-w" : "srgb")
    .png({ compressionLevel: QUICK })
    .toBuffer();
  return { image, mediaType: "image/png", ...facts };
}

function mediaTypeOf(bytes: Uint8Array): EncodedPage["mediaType"] {
  if (bytes[0] === 0xff) return "image/jpeg";
  return bytes[0] === 0x47 ? "image/gif" : "image/png";
}
