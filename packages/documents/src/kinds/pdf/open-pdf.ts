import { damaged, Fault, tooLarge, unsupported } from "../../decoder/fault.js";
import type { PageText } from "../../page-text.js";
import type { DecodedPage, OpenDocument, OpenOptions } from "../open-document.js";
import { annotationText } from "./annotation-text.js";
import { PageSpace } from "./page-space.js";
import { loadPdfium, type Pdfium } from "./pdfium.js";
import { renderPage } from "./render-page.js";
import { textLayer } from "./text-layer.js";
import { UserUnits } from "./user-units.js";

const POINTS_PER_INCH = 72;
/** FPDF_ERR_… of fpdfview.h. */
const ERROR_PASSWORD = 4;
const ERROR_SECURITY = 5;
/** Readers look for the header in the first 1,024 bytes: ISO 32000-1, annex H, note 13. */
const HEADER_WITHIN = 1024;

export function isPdf(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEADER_WITHIN)).includes("%PDF-");
}

/** @throws Fault (rejects) */
export async function openPdf(bytes: Uint8Array, options: OpenOptions): Promise<OpenDocument> {
  return PdfDocument.open(await loadPdfium(), bytes, options);
}

/** Owns the copy of the file in PDFium's memory, and PDFium's document and form over it. */
class PdfDocument implements OpenDocument {
  readonly kind = "pdf";
  readonly pageCount: number;
  readonly #pdfium: Pdfium;
  readonly #file: number;
  readonly #document: number;
  readonly #form: Form;
  readonly #units: UserUnits;
  readonly #options: OpenOptions;

  private constructor(pdfium: Pdfium, file: number, document: number, bytes: Uint8Array, options: OpenOptions) {
    this.#pdfium = pdfium;
    this.#file = file;
    this.#document = document;
    this.#options = options;
    this.#form = new Form(pdfium, document);
    this.#units = new UserUnits(pdfium, document, bytes);
    this.pageCount = pdfium.FPDF_GetPageCount(document);
  }

  static open(pdfium: Pdfium, bytes: Uint8Array, options: OpenOptions): PdfDocument {
    const { malloc, free } = pdfium.pdfium.wasmExports;
    const file = malloc(bytes.byteLength);
    if (file === 0) throw tooLarge("the PDF does not fit into PDFium's memory: split it");
    pdfium.pdfium.HEAPU8.set(bytes, file);
    const document = pdfium.FPDF_LoadMemDocument(file, bytes.byteLength, options.password ?? "");
    if (document === 0) {
      free(file);
      throw whyNotOpened(pdfium.FPDF_GetLastError(), options.password);
    }
    const opened = new PdfDocument(pdfium, file, document, bytes, options);
    try {
      if (opened.pageCount === 0) throw damaged("the PDF has no pages that can be found: it is damaged");
      if (opened.pageCount > options.maxPages) {
        throw tooLarge(`the PDF has ${opened.pageCount} pages, more than maxPages (${options.maxPages})`);
      }
      opened.#form.refuseXfa();
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  page(number: number): Promise<DecodedPage> {
    return Promise.resolve(this.#page(number));
  }

  close(): void {
    this.#form.close();
    this.#pdfium.FPDF_CloseDocument(this.#document);
    this.#pdfium.pdfium.wasmExports.free(this.#file);
  }

  #page(number: number): DecodedPage {
    const pdfium = this.#pdfium;
    const page = pdfium.FPDF_LoadPage(this.#document, number - 1);
    if (page === 0) throw damaged("the page cannot be read: the PDF is damaged there");
    try {
      this.#form.pageLoaded(page);
      const space = new PageSpace(pdfium, page, this.#units.of(number));
      const { width, height } = this.#pixelsOf(space.size);
      const picture = renderPage(pdfium, page, this.#form.handle, width, height);
      const text = joined(textLayer(pdfium, page, space), annotationText(pdfium, page, this.#form.handle, space));
      return { picture, size: space.size, rotation: space.rotation, text };
    } finally {
      this.#form.pageClosing(page);
      pdfium.FPDF_ClosePage(page);
    }
  }

  /** Of the picture: by `dpi`, and fewer where that would be more than `maxPixels`, as for a poster. */
  #pixelsOf({ width, height }: { width: number; height: number }): { width: number; height: number } {
    if (!(width > 0 && height > 0)) throw damaged("the page has no size: the PDF is damaged there");
    const { dpi, maxPixels } = this.#options;
    const wanted = dpi / POINTS_PER_INCH;
    const scale = Math.min(wanted, Math.sqrt(maxPixels / (width * height)));
    // A strip that is thinner than a pixel is as wide as one.
    return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
  }
}

/** The document's form, by which PDFium draws what is filled in. No script of the document is run. */
class Form {
  /** 0: none. */
  readonly handle: number;
  readonly #pdfium: Pdfium;
  readonly #document: number;
  readonly #info: number;

  constructor(pdfium: Pdfium, document: number) {
    this.#pdfium = pdfium;
    this.#document = document;
    this.#info = pdfium.PDFiumExt_OpenFormFillInfo();
    this.handle = this.#info === 0 ? 0 : pdfium.PDFiumExt_InitFormFillEnvironment(document, this.#info);
    // Fields are drawn as on paper, without the tint of viewers.
    if (this.handle !== 0) pdfium.FPDF_SetFormFieldHighlightAlpha(this.handle, 0);
  }

  /** A form of XFA draws its pages from another description; the PDF's own page says only that a newer viewer is needed. */
  refuseXfa(): void {
    const xfaFull = 2; // FORMTYPE_XFA_FULL of fpdf_formfill.h
    if (this.#pdfium.FPDF_GetFormType(this.#document) !== xfaFull) return;
    throw unsupported("the PDF is a form of XFA, whose pages are not in it: print it to a PDF in Adobe Reader");
  }

  pageLoaded(page: number): void {
    if (this.handle !== 0) this.#pdfium.FORM_OnAfterLoadPage(page, this.handle);
  }

  pageClosing(page: number): void {
    if (this.handle !== 0) this.#pdfium.FORM_OnBeforeClosePage(page, this.handle);
  }

  close(): void {
    if (this.handle !== 0) this.#pdfium.PDFiumExt_ExitFormFillEnvironment(this.handle);
    if (this.#info !== 0) this.#pdfium.PDFiumExt_CloseFormFillInfo(this.#info);
  }
}

function whyNotOpened(error: number, password: string | undefined): Fault {
  if (error === ERROR_PASSWORD) {
    const what = password === undefined ? "needs a password: give `password`" : "does not open with the password given";
    return new Fault("DOCUMENT_PASSWORD", `the PDF is encrypted and ${what}`);
  }
  if (error === ERROR_SECURITY) {
    return unsupported("the PDF is encrypted in a way that is not read, as for the holder of a certificate");
  }
  return damaged("the PDF is damaged or cut short: send it again from an intact copy");
}

/** Fields behind the page's own text, each on a line. */
function joined(layer: PageText | undefined, fields: PageText["words"]): PageText | undefined {
  if (fields.length === 0) return layer;
  const text = [...(layer === undefined ? [] : [layer.text]), ...fields.map((field) => field.text)].join("\n");
  return { text, words: [...(layer?.words ?? []), ...fields] };
}
