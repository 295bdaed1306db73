import { damaged, unsupported } from "../decoder/fault.js";
import { isDicom } from "./dicom/is-dicom.js";
import { openDicom } from "./dicom/open-dicom.js";
import { isHeic, openHeic } from "./heif/open-heic.js";
import type { OpenDocument, OpenOptions } from "./open-document.js";
import { isPdf, openPdf } from "./pdf/open-pdf.js";
import { isBmp, openBmp } from "./raster/open-bmp.js";
import { openPicture, pictureKind } from "./raster/open-picture.js";
import { openRaster, rasterKind } from "./raster/open-raster.js";
import { isTiff, openTiff } from "./raster/open-tiff.js";

/** Longest beginning by which a kind is told: a PDF's header may stand in the first 1,024 bytes. */
const HEAD_BYTES = 1024;
const READABLE = "PDF, DICOM, TIFF, HEIC, AVIF, WebP, BMP, JPEG, PNG and GIF are read";

/**
 * Opens a document of any kind. What it is, its first bytes tell; names and media types are not asked: a hospital's `.tif` comes as
 * `application/octet-stream`, and DICOM files often have no name at all.
 *
 * @throws Fault (rejects)
 */
export async function openDocument(bytes: Uint8Array, options: OpenOptions): Promise<OpenDocument> {
  if (bytes.byteLength === 0) throw damaged("the document is empty: it has no bytes");
  const head = bytes.subarray(0, HEAD_BYTES);
  // DICOM first: its preamble may be the beginning of a TIFF.
  if (isDicom(head)) {
    const opened = await openDicom(bytes, options);
    if (!("embedded" in opened)) return opened;
    if (isDicom(opened.embedded)) throw unsupported("the DICOM file encapsulates another one: send that");
    return openDocument(opened.embedded, options);
  }
  const picture = pictureKind(head);
  if (picture !== undefined) return openPicture(picture, bytes, options);
  if (isTiff(head)) return openTiff(bytes, options);
  const raster = rasterKind(head);
  if (raster !== undefined) return openRaster(raster, bytes, options);
  if (isHeic(head)) return openHeic(bytes, options);
  if (isBmp(head)) return openBmp(bytes, options);
  if (isPdf(head)) return openPdf(bytes, options);
  throw unsupported(`the document is of a kind that is not read (${READABLE})${hint(head)}`);
}

/** For what people send most. */
function hint(head: Uint8Array): string {
  const text = Buffer.from(head).toString("latin1");
  if (text.startsWith("PK")) return ": print a Word or OpenDocument file to PDF, unpack an archive";
  if (text.startsWith("\xd0\xcf\x11\xe0")) return ": print a Word file to PDF";
  if (text.startsWith("{\\rtf") || /^\s*<(?:!doctype html|html|\?xml|svg)/i.test(text)) return ": print it to PDF";
  return "";
}
