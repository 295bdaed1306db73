import { damaged, Fault } from "../../decoder/fault.js";
import { greyIfPossible } from "../pixels.js";
import type { Pixels } from "../open-document.js";
import type { Pdfium } from "./pdfium.js";

/** FPDFBitmap_BGRx of fpdfview.h: four bytes a pixel, the fourth unused. */
const BGRX = 3;
/** FPDF_ANNOT: annotations are drawn. */
const WITH_ANNOTATIONS = 0x01;
/** FPDF_REVERSE_BYTE_ORDER: RGBx in place of BGRx. */
const RGB_ORDER = 0x10;
const WHITE = 0xffffffff;

/**
 * Draws a page with its annotations, and its form fields as they are filled in: PDFium draws those only by FPDF_FFLDraw.
 *
 * @param form the handle of the document's form; 0: none
 */
export function renderPage(pdfium: Pdfium, page: number, form: number, width: number, height: number): Pixels {
  const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, BGRX, 0, 0);
  if (bitmap === 0)
    throw new Fault("DOCUMENT_TOO_LARGE", "the page's picture does not fit into memory: lower dpi or maxPixels");
  try {
    pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
    const flags = WITH_ANNOTATIONS | RGB_ORDER;
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags);
    if (form !== 0) pdfium.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, flags);
    const stride = pdfium.FPDFBitmap_GetStride(bitmap);
    const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
    if (start === 0 || stride < width * 4) throw damaged("the page cannot be drawn");
    return greyIfPossible(
      withoutFourth(pdfium.pdfium.HEAPU8.subarray(start, start + stride * height), width, height, stride),
    );
  } finally {
    pdfium.FPDFBitmap_Destroy(bitmap);
  }
}

function withoutFourth(bytes: Uint8Array, width: number, height: number, stride: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    let from = row * stride;
    for (const end = from + width * 4; from < end; from += 4) {
      data[to] = bytes[from]!;
      data[to + 1] = bytes[from + 1]!;
      data[to + 2] = bytes[from + 2]!;
      to += 3;
    }
  }
  return { width, height, channels: 3, data };
}
