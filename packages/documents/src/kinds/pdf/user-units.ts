import { inflateSync } from "node:zlib";
import { Memory } from "./memory.js";
import type { Pdfium } from "./pdfium.js";

/** FPDF_NO_INCREMENTAL | FPDF_REMOVE_SECURITY of fpdf_save.h: all objects written anew, in the clear. */
const PLAIN = 3;
/** Most bytes of an object stream that are looked at. */
const LONGEST_STREAM = 64 * 1024 * 1024;
const KEY = "/UserUnit";

/**
 * How many points a unit of a page is: UserUnit of ISO 32000-2, 14.11.2, for pages larger than 200 inches. PDFium has no call for
 * it and draws such pages too small. Where the key may be in a file at all, PDFium writes the document without compression, and
 * the key is read there from the page's own object.
 */
export class UserUnits {
  readonly #pdfium: Pdfium;
  readonly #document: number;
  readonly #plain: Buffer | undefined;

  constructor(pdfium: Pdfium, document: number, bytes: Uint8Array) {
    this.#pdfium = pdfium;
    this.#document = document;
    if (mayHaveKey(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), pdfium.EPDF_IsEncrypted(document))) {
      this.#plain = writtenPlain(pdfium, document);
    }
  }

  /** @param number of the page, from 1 */
  of(number: number): number {
    const plain = this.#plain;
    if (plain === undefined) return 1;
    const object = this.#pdfium.EPDFDoc_GetPageObjectNumberByIndex(this.#document, number - 1);
    const start = plain.indexOf(`\n${object} 0 obj`);
    if (object <= 0 || start < 0) return 1;
    const dictionary = plain.toString("latin1", start, plain.indexOf("endobj", start));
    const unit = Number(/\/UserUnit\s+(\d*\.?\d+)/.exec(dictionary)?.[1] ?? 1);
    return unit > 0 ? unit : 1;
  }
}

function mayHaveKey(file: Buffer, encrypted: boolean): boolean {
  if (file.includes(KEY)) return true;
  let at = file.indexOf("/ObjStm");
  if (at >= 0 && encrypted) return true;
  for (; at >= 0; at = file.indexOf("/ObjStm", at + 1)) {
    const start = /^stream\r?\n/.exec(
      file.toString("latin1", file.indexOf("stream", at), file.indexOf("stream", at) + 8),
    );
    if (start === null) continue;
    const from = file.indexOf("stream", at) + start[0].length;
    try {
      // What stands behind the stream's end is ignored.
      if (inflateSync(file.subarray(from), { maxOutputLength: LONGEST_STREAM }).includes(KEY)) return true;
    } catch {
      // Of another compression, or damaged: PDFium reads it or not, and no page of it is drawn larger.
    }
  }
  return false;
}

function writtenPlain(pdfium: Pdfium, document: number): Buffer | undefined {
  const writer = pdfium.PDFiumExt_OpenFileWriter();
  try {
    if (!pdfium.FPDF_SaveAsCopy(document, writer, PLAIN)) return undefined;
    const size = pdfium.PDFiumExt_GetFileWriterSize(writer);
    return Memory.with(pdfium, (memory) => {
      const block = memory.allocate(size);
      pdfium.PDFiumExt_GetFileWriterData(writer, block, size);
      return Buffer.from(pdfium.pdfium.HEAPU8.slice(block, block + size));
    });
  } finally {
    pdfium.PDFiumExt_CloseFileWriter(writer);
  }
}
