import { Buffer } from "node:buffer";
import { argumentError } from "../errors.js";
import { decodeDataUrl } from "./data-url.js";

/** No path is longer: PATH_MAX of Linux; what other systems take is below it, or has a drive and dots in it. */
const LONGEST_PATH = 4096;
/** No path that is shorter is taken for base64, whatever it begins with. */
const SHORTEST_BASE64 = 64;

/**
 * The bytes of an image that is written in a string: a `data:` URL, one whose beginning was lost (`image/png;base64,…`), or
 * plain base64; blanks and quotes around it do not matter. Undefined: the string is a path or another URL.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where it can be neither
 */
export function inlineImage(source: string): Uint8Array | undefined {
  const text = unquoted(source);
  if (/^data:/i.test(text)) return decodeDataUrl(text);
  if (/^(?:[a-z]+\/[\w.+-]+)?(?:;[\w.=-]+)*;?base64,/i.test(text.slice(0, 200))) return decodeDataUrl(`data:${text}`);
  const long = source.length > LONGEST_PATH;
  if (
    text.length >= SHORTEST_BASE64 &&
    isBase64(text) &&
    (long || isKnownFile(Buffer.from(text.slice(0, 240), "base64")))
  ) {
    return Buffer.from(text, "base64");
  }
  if (!long) return undefined;
  throw argumentError("image", "", `is a text of ${source.length} characters, which is no path, no URL and no base64`);
}

function unquoted(source: string): string {
  const text = source.trim();
  const quoted = /^(["'`]).*\1$/s.test(text);
  return quoted ? text.slice(1, -1).trim() : text;
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_\-\s]+={0,2}$/.test(text);
}

/** Whether a file begins like this that is an image, or that the decoder refuses by its name. */
function isKnownFile(head: Buffer): boolean {
  const text = head.toString("latin1");
  if (/^(?:\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|%PDF-|II\*\0|MM\0\*)/.test(text)) return true;
  if (/^RIFF[^]{4}WEBP/.test(text) || text.slice(4, 8) === "ftyp") return true;
  return /^BM[^]{4}\0{4}/.test(text) || text.slice(128, 132) === "DICM";
}
