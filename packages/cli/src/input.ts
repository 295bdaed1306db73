/** What commands read. No message here holds a word of what was read: that may be a patient's. */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { buffer } from "node:stream/consumers";
import { MedInferError } from "medinfer";
import { shortenPath } from "./shorten.js";

/**
 * The text of a file, or of stdin for `"-"`; as it is, a line break at its end included.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it cannot be read, or is not UTF-8
 */
export async function readText(file: string): Promise<string> {
  const name = file === "-" ? "stdin" : shortenPath(file);
  let bytes: Buffer;
  try {
    bytes = file === "-" ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new MedInferError("INVALID_ARGUMENT", `${name}: ${reason}: check the path`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MedInferError("INVALID_ARGUMENT", `${name} is not UTF-8: convert it, e.g. with iconv`);
  }
}

/** @throws MedInferError (rejects) `INVALID_ARGUMENT`, also where the text is no JSON: with the place, not the text */
export async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const place = /\bat position \d+/.exec((error as Error).message)?.[0] ?? "at its end";
    const name = file === "-" ? "stdin" : shortenPath(file);
    throw new MedInferError("INVALID_ARGUMENT", `${name} is no valid JSON ${place}: check it, e.g. with jq`);
  }
}

/** A text that people write for a model: without the line break at its end that their tools add. */
export async function readMessage(file: string): Promise<string> {
  const text = (await readText(file)).replace(/\r?\n$/, "");
  if (text.trim() !== "") return text;
  throw new MedInferError("INVALID_ARGUMENT", `${file === "-" ? "stdin" : shortenPath(file)} has no text: give one`);
}
