import type { ServerResponse } from "node:http";
import { PATIENCE_MS } from "./patience.js";

const BLANK_MS = 15_000;

/**
 * A JSON answer that may take long. After a while its headers go out, and blanks, which JSON allows in front of it, keep the
 * connection: Node's clients give up after 300 s without a byte, and ask again. From then on a failure can be no status any
 * more, and the socket is destroyed instead.
 *
 * @param work what makes the answer
 */
export async function sendWhenDone(response: ServerResponse, work: Promise<object>): Promise<void> {
  let blanks: NodeJS.Timeout | undefined;
  const patience = setTimeout(() => {
    response.writeHead(200, jsonHeaders);
    response.flushHeaders();
    response.write(" ");
    blanks = setInterval(() => response.write(" "), BLANK_MS).unref();
  }, PATIENCE_MS).unref();
  try {
    const body = JSON.stringify(await work);
    clearTimeout(patience);
    clearInterval(blanks);
    if (!response.headersSent) response.writeHead(200, { ...jsonHeaders, "content-length": Buffer.byteLength(body) });
    response.end(body);
  } catch (error) {
    clearTimeout(patience);
    clearInterval(blanks);
    if (!response.headersSent) throw error;
    response.destroy();
    throw error;
  }
}

const jsonHeaders = { "content-type": "application/json; charset=utf-8" };
