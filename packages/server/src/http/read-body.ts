import type { IncomingMessage } from "node:http";
import { createGunzip, createInflate, type Gunzip, type Inflate } from "node:zlib";
import { Problem } from "./problem.js";

/**
 * The JSON of a request's body.
 *
 * A host that has parsed it before (express.json(), for one) leaves it at `incoming.body`.
 *
 * @param limit most bytes
 * @throws Problem (rejects) 400 or 413
 */
export async function readJson(incoming: IncomingMessage, limit: number): Promise<unknown> {
  const parsed = (incoming as { body?: unknown }).body;
  if (typeof parsed === "object" && parsed !== null) return objectOf(parsed);
  const type = incoming.headers["content-type"];
  if (type !== undefined && !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new Problem(400, "wrong_content_type", "the body has to be JSON: send content-type: application/json");
  }
  const text = utf8(await readBytes(incoming, limit));
  if (text.trim() === "") throw new Problem(400, "empty_body", "the body is empty: send a JSON object");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes what stands there.
    const place = /\bat position \d+/.exec((error as Error).message)?.[0] ?? "at its end";
    throw new Problem(400, "invalid_json", `the body is no valid JSON ${place}`);
  }
  return objectOf(value);
}

function objectOf(value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  throw new Problem(400, "invalid_value", `the body must be a JSON object (got ${got})`);
}

/**
 * The bytes of a body, unpacked where it is packed.
 *
 * @param limit most bytes, packed or not: what unpacks to more is read no further
 * @throws Problem (rejects) 413, 415, or 400 where the sender broke off or the body is damaged
 */
export function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    // What is left of the body is not read: the connection cannot be used again.
    new Problem(413, "body_too_large", `the body has more than ${limit} bytes, the most that this server takes`, {
      headers: { connection: "close" },
    });
  if (Number(incoming.headers["content-length"]) > limit) return Promise.reject(tooLarge());
  const unpacking = unpackerOf(incoming);
  return new Promise((resolve, reject) => {
    const source = unpacking === undefined ? incoming : incoming.pipe(unpacking);
    const parts: Buffer[] = [];
    let length = 0;
    let packed = 0;
    // Nothing may come out of what goes in for ever.
    const onPacked = (part: Buffer) => {
      packed += part.length;
      if (packed > limit) finish(() => reject(tooLarge()));
    };
    const onData = (part: Buffer) => {
      length += part.length;
      if (length <= limit) parts.push(part);
      else finish(() => reject(tooLarge()));
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(parts)));
    const onGone = () => finish(() => reject(new Problem(400, "incomplete_body", "the body ended before its length")));
    const onDamaged = () =>
      finish(() => reject(new Problem(400, "invalid_encoding", "the body is not what its content-encoding says")));
    // An end of the sender's that the unpacker has not told yet is no breaking off.
    const onClose = () => (incoming.complete ? undefined : onGone());
    const finish = (settle: () => void) => {
      source.off("data", onData).off("end", onEnd);
      incoming.off("error", onGone).off("close", onClose).pause();
      if (unpacking !== undefined) {
        incoming.off("data", onPacked).unpipe(unpacking);
        unpacking
          .off("error", onDamaged)
          .on("error", () => {})
          .destroy();
      }
      settle();
    };
    source.on("data", onData).on("end", onEnd);
    incoming.on("error", onGone).on("close", onClose);
    if (unpacking !== undefined) {
      unpacking.on("error", onDamaged);
      incoming.on("data", onPacked);
    }
  });
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem(400, "invalid_json", "the body is not UTF-8");
  }
}

/**
 * What unpacks a body; undefined: nothing is to be unpacked.
 *
 * @throws Problem 415
 */
function unpackerOf(incoming: IncomingMessage): Gunzip | Inflate | undefined {
  switch (contentEncoding(incoming)) {
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    default:
      throw wrongEncoding("gzip, deflate");
  }
}

export function contentEncoding({ headers }: IncomingMessage): string {
  return headers["content-encoding"]?.trim().toLowerCase() || "identity";
}

/** @param taken what the call takes, as `Accept-Encoding` has it */
export function wrongEncoding(taken: "gzip, deflate" | "identity"): Problem {
  const what = taken === "identity" ? "send it unpacked" : "send it as gzip or deflate, or unpacked";
  return new Problem(415, "unsupported_encoding", `the body's content-encoding is not taken: ${what}`, {
    headers: { "accept-encoding": taken, connection: "close" },
  });
}
