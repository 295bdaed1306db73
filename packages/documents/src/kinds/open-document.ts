/** What every kind of document gives: the seam between formats and the rest of the decoder. */
import type { PageText } from "../page-text.js";

/** What a file was. */
export type DocumentKind = "pdf" | "dicom" | "tiff" | "heic" | "avif" | "webp" | "bmp" | "jpeg" | "png" | "gif";

/** Bounds that a reader of a format keeps, before it allocates. */
export interface Budgets {
  /** Most pixels of a page, as decoded. */
  readonly maxPixels: number;
  /** Most pages, or frames, of a document. */
  readonly maxPages: number;
}

/** How a document is opened. */
export interface OpenOptions extends Budgets {
  /** Of an encrypted document. */
  readonly password?: string | undefined;
  /** Pixels an inch at which what has no pixels of its own is drawn. */
  readonly dpi: number;
}

/** Pixels from top to bottom, rows from left to right, upright: as a person would hold the page. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: RGB, interleaved, of 8 bits each. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** A page, decoded. */
export interface DecodedPage {
  /** Its picture; `encoded` where the file itself is a picture that needs no other form (JPEG, PNG, GIF). */
  readonly picture: Pixels | { readonly encoded: Uint8Array; readonly width: number; readonly height: number };
  /** In points of 1/72 inch, upright; undefined where the file does not tell its size. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  /** By how many degrees clockwise the stored page was turned to be upright; 0 of HEIC and AVIF, which are turned as they are decoded. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly text?: PageText | undefined;
  /** Of DICOM: what describes the picture, and identifies nobody. */
  readonly dicom?: DicomFacts | undefined;
}

/** What describes a DICOM picture. None of it identifies a person. */
export interface DicomFacts {
  /** (0008,0060), e.g. `"CT"`. */
  readonly modality?: string | undefined;
  /** UID of (0002,0010). */
  readonly transferSyntax: string;
  /** (0028,0004) as stored, e.g. `"MONOCHROME1"`. */
  readonly photometric?: string | undefined;
  /** (0028,0301): whether the picture says that text which identifies a person may be burnt in. */
  readonly burnedIn?: boolean | undefined;
  /** From 1, where the file has several. */
  readonly frame?: number | undefined;
}

/** A document that is open. One call at a time. */
export interface OpenDocument {
  readonly kind: DocumentKind;
  readonly pageCount: number;
  /**
   * @param number from 1 to `pageCount`
   * @throws Fault (rejects)
   */
  page(number: number): Promise<DecodedPage>;
  /** Gives its memory back. */
  close(): void;
}
