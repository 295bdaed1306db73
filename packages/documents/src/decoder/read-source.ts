import { open } from "node:fs/promises";
import { Fault, tooLarge } from "./fault.js";
import type { DocumentBytes } from "./messages.js";

/** The bytes of a document; of a file, no more than are allowed. @throws Fault (rejects) */
export async function readSource(source: DocumentBytes, maxBytes: number): Promise<Uint8Array> {
  if ("bytes" in source) return checked(source.bytes, source.bytes.byteLength, maxBytes);
  let file;
  try {
    file = await open(source.path);
  } catch {
    throw new Fault("DOCUMENT_NOT_FOUND", "there is no readable file at the document's path");
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile())
      throw new Fault("DOCUMENT_NOT_FOUND", "the document's path names no file: name each file of a folder");
    checked(undefined, facts.size, maxBytes);
    return await file.readFile();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault("DOCUMENT_NOT_FOUND", "the document's file cannot be read");
  } finally {
    await file.close();
  }
}

function checked<T>(value: T, size: number, maxBytes: number): T {
  if (size > maxBytes) throw tooLarge(`the document has ${size} bytes, more than maxBytes (${maxBytes})`);
  return value;
}
