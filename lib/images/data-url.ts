import { Buffer } from "node:buffer";
import { argumentError } from "../errors.js";

/**
 * The bytes inside a `data:` URL, base64 or percent-encoded.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where there is no data in it
 */
export function decodeDataUrl(url: string): Uint8Array {
  const comma = url.indexOf(",");
  if (comma < 0) throw argumentError("image", "", "is a data: URL without a comma");
  const header = url.slice("data:".length, comma);
  const body = url.slice(comma + 1);
  if (!/(?:^|;)\s*base64\s*$/i.test(header)) return decodePercent(body);
  const encoded = (body.includes("%") ? Buffer.from(decodePercent(body)).toString("latin1") : body).trim();
  if (!/^[A-Za-z0-9+/_\-\s]*=*$/.test(encoded)) {
    throw argumentError("image", "", "is a data: URL whose base64 is damaged");
  }
  return Buffer.from(encoded, "base64");
}

function decodePercent(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const pair = bytes[i] === 0x25 ? bytes.toString("latin1", i + 1, i + 3) : "";
    if (/^[0-9a-f]{2}$/i.test(pair)) {
      out[length++] = parseInt(pair, 16);
      i += 2;
    } else {
      out[length++] = bytes[i]!;
    }
  }
  return out.subarray(0, length);
}
