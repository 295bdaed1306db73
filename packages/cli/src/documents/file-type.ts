/** What a file is, going by its first bytes. */
import { open } from "node:fs/promises";

/** Longest beginning that tells it: a PDF's header may stand in the first 1,024 bytes. */
const HEAD_BYTES = 1024;

const signatures: readonly (readonly [at: number, text: RegExp])[] = [
  [128, /^DICM/],
  [0, /^\x89PNG\r\n\x1a\n/],
  [0, /^\xff\xd8\xff/],
  [0, /^GIF8[79]a/],
  [0, /^(II\*\0|MM\0\*)/],
  [0, /^RIFF[^]{4}WEBP/],
  [4, /^ftyp(heic|heix|hevc|heim|heis|mif1|msf1|avif|avis)/],
  [0, /%PDF-\d/],
];

/** Whether the first bytes are those of a document of some kind, whatever the file is called. */
export function isDocument(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString("latin1");
  return signatures.some(([at, signature]) => signature.test(text.slice(at)));
}

/**
 * Whether a file is one picture that the engine reads itself: PNG, JPEG, GIF, and BMP without run lengths. Everything else is a
 * document with pages.
 */
export function isPicture(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString("latin1");
  if (text.startsWith("DICM", 128)) return false;
  const isRunLengths = /^[\x01\x02]\0\0\0/.test(text.slice(30));
  return /^(\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a)/.test(text) || (text.startsWith("BM") && !isRunLengths);
}

/** The beginning of a file. @throws (rejects) where it cannot be read */
export async function readHead(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
