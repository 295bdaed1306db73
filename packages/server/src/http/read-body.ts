import type { IncomingMessage } from "node:http";
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
  if (typeof parsed === "object" && parsed !== null) return parsed;
  const type = incoming.headers["content-type"];
  if (type !== undefined && !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new Problem(400, "wrong_content_type", "the body has to be JSON: send content-type: application/json");
  }
  const text = utf8(await readBytes(incoming, limit));
  if (text.trim() === "") throw new Problem(400, "empty_body", "the body is empty: send a JSON object");
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own message quotes what stands there.
    const place = /\bat position \d+/.exec((error as Error).message)?.[0] ?? "at its end";
    throw new Problem(400, "invalid_json", `the body is no valid JSON ${place}`);
  }
}

/** @throws Problem (rejects) 413, or 400 where the sender broke off */
export function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    // What is left of the body is not read: the connection cannot be used again.
    new Problem(413, "body_too_large", `the body has more than ${limit} bytes, the most that this server takes`, {
      headers: { connection: "close" },
    });
  if (Number(incoming.headers["content-length"]) > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const onData = (part: Buffer) => {
      length += part.length;
      if (length <= limit) parts.push(part);
      else finish(() => reject(tooLarge()));
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(parts)));
    const onGone = () => finish(() => reject(new Problem(400, "incomplete_body", "the body ended before its length")));
    const finish = (settle: () => void) => {
      incoming.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      incoming.pause();
      settle();
    };
    incoming.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem(400, "invalid_json", "the body is not UTF-8");
  }
}
