import { readFileSync } from "node:fs";
import { openDicom } from "../../src/kinds/dicom/open-dicom.js";
import type { OpenDocument, OpenOptions, Pixels } from "../../src/kinds/open-document.js";

export const options: OpenOptions = { maxPixels: 1_000_000, maxPages: 100, dpi: 200 };

/** Opens a file that holds a picture. */
export async function opened(bytes: Uint8Array, more: Partial<OpenOptions> = {}): Promise<OpenDocument> {
  const document = await openDicom(bytes, { ...options, ...more });
  if ("embedded" in document) throw new Error("it holds a document");
  return document;
}

/** The pixels of a page. */
export async function shown(bytes: Uint8Array, page = 1): Promise<Pixels> {
  const { picture } = await (await opened(bytes)).page(page);
  if ("encoded" in picture) throw new Error("it is encoded");
  return picture;
}

/** The samples of a page. */
export const samplesOf = async (bytes: Uint8Array, page = 1) => [...(await shown(bytes, page)).data];

/** A file of test/files/dicom. */
export const stored = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../files/dicom/${name}.dcm`, import.meta.url)));
