import sharp from "sharp";
import { tooLarge } from "../../decoder/fault.js";
import type { DecodedPage, OpenDocument, OpenOptions } from "../open-document.js";
import { rotationOf } from "./orientation.js";
import { sharpFault } from "./sharp-page.js";

/** Pictures that the library reads itself. */
export type PictureKind = "jpeg" | "png" | "gif";

const names = { jpeg: "the JPEG", png: "the PNG", gif: "the GIF" } as const;

export function pictureKind(head: Uint8Array): PictureKind | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 8)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text === "\x89PNG\r\n\x1a\n") return "png";
  if (/^GIF8[79]a/.test(text)) return "gif";
  return undefined;
}

/** Opens a picture that stays as it is: a page that is the file. @throws Fault (rejects) */
export async function openPicture(
  kind: PictureKind,
  bytes: Uint8Array,
  { maxPixels }: OpenOptions,
): Promise<OpenDocument> {
  try {
    const facts = await sharp(bytes, { failOn: "error", limitInputPixels: false }).metadata();
    const { width, height } = facts.autoOrient;
    if (width * height > maxPixels)
      throw tooLarge(`${names[kind]} has ${width} x ${height} pixels, more than maxPixels (${maxPixels})`);
    const rotation = rotationOf(facts.orientation);
    const density = facts.density;
    const size = density === undefined ? undefined : { width: (width / density) * 72, height: (height / density) * 72 };
    const page: DecodedPage = { picture: { encoded: bytes, width, height }, size, rotation };
    return { kind, pageCount: 1, page: () => Promise.resolve(page), close: () => {} };
  } catch (error) {
    throw sharpFault(error, names[kind], maxPixels);
  }
}
