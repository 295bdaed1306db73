import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { Problem } from "../http/problem.js";
import { contentEncoding, wrongEncoding } from "../http/read-body.js";

/** A form's file, as it comes. Its other fields may come behind it. */
export interface Upload {
  filename: string;
  content: Readable;
  /** REQUIRES: the content was read to its end, which is the form's. */
  fields: () => Readonly<Record<string, string>>;
}

/** Of the fields beside the file: names and texts are short. */
const MOST_FIELDS = 16;
const FIELD_BYTES = 4096;

/**
 * Reads a multipart form with one file, as a stream: `use` gets the file, and reads it to its end.
 *
 * @param limit most bytes of the file
 * @throws Problem (rejects) 400 or 413
 */
export function readUpload<T>(
  incoming: IncomingMessage,
  limit: number,
  use: (upload: Upload) => Promise<T>,
): Promise<T> {
  const type = incoming.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw new Problem(400, "wrong_content_type", "the body has to be a form: send content-type: multipart/form-data");
  }
  if (contentEncoding(incoming) !== "identity") throw wrongEncoding("identity");
  if (Number(incoming.headers["content-length"]) > limit + MOST_FIELDS * 2 * FIELD_BYTES) throw tooLarge(limit);
  return new Promise((resolve, reject) => {
    const form = parserOf(incoming, limit);
    const fields: Record<string, string> = {};
    let used: Promise<T> | undefined;
    let current: Readable | undefined;
    let endWhole = () => {};
    let endBroken = (_problem: Problem) => {};
    const whole = new Promise<void>((done, broken) => {
      endWhole = done;
      endBroken = broken;
    });
    whole.catch(() => {}); // told by what uses the file
    const fail = (problem: Problem) => {
      incoming.unpipe(form);
      endBroken(problem);
      current?.destroy(problem);
      // Where the file is being used, what its user has begun is taken back first.
      if (used === undefined) reject(problem);
    };
    form.on("field", (name, value) => (fields[name] = value));
    form.on("file", (name, content, filename) => {
      // Without a listener an error of a stream that nobody reads would end the process.
      content.on("error", () => {});
      if (name !== "file" || used !== undefined) {
        content.resume();
        fail(badForm("the form: has to have one file, in a field named file"));
        return;
      }
      current = content;
      content.once("limit", () => fail(tooLarge(limit)));
      used = use({ filename, content: ended(content, whole), fields: () => fields });
      used.then(resolve, (error: Error) => {
        incoming.unpipe(form);
        reject(error);
      });
    });
    form.once("finish", () => {
      endWhole();
      if (used === undefined) reject(badForm("the form: has no file"));
    });
    // The parser's own messages may quote.
    form.on("error", () => fail(badForm("the body is no valid multipart form")));
    incoming.once("aborted", () => fail(new Problem(400, "incomplete_body", "the body ended before its length")));
    incoming.pipe(form);
  });
}

/** What a stream holds; it ends when all is whole, and fails where that does. */
function ended(content: Readable, whole: Promise<void>): Readable {
  const both = async function* () {
    yield* content;
    await whole;
  };
  return Readable.from(both());
}

function parserOf(incoming: IncomingMessage, limit: number): BusboyInstance {
  const limits = { fileSize: limit, files: 2, fields: MOST_FIELDS, fieldNameSize: 100, fieldSize: FIELD_BYTES };
  try {
    return new Busboy({ headers: incoming.headers as BusboyHeaders, limits });
  } catch {
    throw badForm("the form: its content-type names no boundary");
  }
}

function badForm(what: string): Problem {
  return new Problem(400, "invalid_form", what, { param: "file" });
}

function tooLarge(limit: number): Problem {
  return new Problem(413, "file_too_large", `the file has more than ${limit} bytes, the most that this server takes`, {
    headers: { connection: "close" },
  });
}
