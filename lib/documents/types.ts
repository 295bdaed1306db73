/** Documents as @medinfer/documents reads them. The package is optional; these are its types as the library uses them. */
import type { URL } from "node:url";
import type { BlobLike } from "../images/blob.js";

/**
 * A document: a path, its bytes, a `Blob` or `File`, or a URL object with `file:`, `http:` or `https:`. Which kind it is, its bytes
 * tell: PDF, DICOM, TIFF, HEIC, AVIF, WebP, BMP, JPEG, PNG or GIF.
 */
export type DocumentSource = string | Uint8Array | ArrayBuffer | BlobLike | URL;

/** How documents are read: the options of `DocumentReader` of @medinfer/documents. */
export interface DocumentOptions {
  /** Most decoder processes at once. Default: one less than the CPUs, from 1 to 4. */
  processes?: number;
  /** Pixels an inch at which PDF pages are drawn, 20 to 1,200. Default 200. */
  dpi?: number;
  /** Most bytes of a document. Default 512 MiB. */
  maxBytes?: number;
  /** Most pixels of a page; a PDF page is drawn smaller instead. Default 64 million. */
  maxPixels?: number;
  /** Most pages of a document. Default 10,000. */
  maxPages?: number;
  /** Most milliseconds of a page. Default 60,000. */
  pageTimeoutMs?: number;
}

/** A word of a page's text layer, and where it stands: in points of 1/72 inch from the page's upper left corner. */
export interface PageWord {
  readonly text: string;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What is known of a page beside its picture. */
export interface PageFacts {
  /** From 1. */
  readonly number: number;
  /** Of the document. */
  readonly pageCount: number;
  /** What the document was, such as `"pdf"`. */
  readonly kind: string;
  /** Pixels of the picture that the model was shown. */
  readonly width: number;
  readonly height: number;
  /** In points; undefined where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** By how many degrees clockwise the stored page was turned to be upright. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** The text that the page itself holds; nothing is read from its picture. */
  readonly text: { readonly text: string; readonly words: readonly PageWord[] } | undefined;
  /** Of DICOM: what describes the picture, and identifies nobody. */
  readonly dicom: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/** A page with its picture: a PNG, JPEG or GIF file. */
export interface DocumentPage extends PageFacts {
  readonly image: Uint8Array;
}

/** An open document. */
export interface OpenDocument {
  readonly pageCount: number;
  page(number: number, options: { signal: AbortSignal | undefined }): Promise<DocumentPage>;
  close(): void;
}

/** What reads documents. */
export interface DocumentReader {
  open(
    source: DocumentSource,
    options: { password: string | undefined; signal: AbortSignal | undefined },
  ): Promise<OpenDocument>;
  close(): Promise<void>;
}
