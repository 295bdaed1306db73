/** What makes a row the same row: the bytes of its file, its page, and all that is asked of it. */
import { createHash } from "node:crypto";

/** What every row of a run is asked. All of it counts for the identity of rows; hand over what answers depend on, and no more. */
export interface Ask {
  /** What is asked of each page. Keep patients' names out of it: it is stored with the run. */
  prompt: string;
  /** The system message. */
  systemPrompt?: string;
  /** The JSON schema of answers. */
  schema?: unknown;
  /** Which model answers: a name, or a digest of its file. */
  model?: string;
  /** Options of `engine.chat` that change answers, as JSON: sampling, limits of tokens. Servers of ours take the same names. */
  options?: Record<string, unknown>;
}

/**
 * The sha256, in hex, of what is asked: the same for the same content in any order of keys, but those of the schema, whose order
 * answers follow.
 */
export function digestAsk({ schema, ...ask }: Ask): string {
  return sha256(`${canonical(ask)}\n${JSON.stringify(schema)}`);
}

/** The id of a row: sha256 of the digest of the file's bytes, the page, and the digest of what is asked. */
export function rowId(bytesSha256: string, page: number, asked: string): string {
  return sha256(`${bytesSha256}\n${page}\n${asked}`);
}

/** The id of a row whose bytes cannot be read: made of where they should be. */
export function unreadableRowId(ref: string, page: number, asked: string): string {
  return sha256(`unreadable\n${ref}\n${page}\n${asked}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** JSON with the keys of objects in order, after RFC 8785's rule; what JSON leaves out, is left out. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
