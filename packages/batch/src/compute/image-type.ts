/** First bytes of image files, each with its media type: the formats that engines and servers read. */
const signatures: readonly (readonly [type: string, at: number, text: string])[] = [
  ["image/png", 0, "\x89PNG"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF8"],
  ["image/bmp", 0, "BM"],
  ["image/webp", 8, "WEBP"],
  ["image/tiff", 0, "II*\0"],
  ["image/tiff", 0, "MM\0*"],
];

/** The media type of an image file, by its first bytes; of one that is not known `image/unknown`. */
export function imageType(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return signatures.find(([, at, text]) => head.startsWith(text, at))?.[0] ?? "image/unknown";
}
