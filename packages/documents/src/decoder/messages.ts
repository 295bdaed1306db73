/** What the decoder's process and its owner say to each other. Each question has one answer; one question at a time. */
import type { DicomFacts, DocumentKind, OpenOptions } from "../kinds/open-document.js";
import type { PageText } from "../page-text.js";
import type { FaultCode } from "./fault.js";

/** Where a document's bytes are. */
export type DocumentBytes = { readonly path: string } | { readonly bytes: Uint8Array };

/** Opens a document in place of the one before, or decodes a page of it. */
export type Question =
  | { readonly ask: "open"; readonly source: DocumentBytes; readonly maxBytes: number; readonly options: OpenOptions }
  | { readonly ask: "page"; readonly number: number }
  | { readonly ask: "close" };

/** What an open document is. */
export interface Opened {
  readonly kind: DocumentKind;
  readonly pageCount: number;
}

/** A page, ready to be given out. */
export interface EncodedPage {
  readonly image: Uint8Array;
  readonly mediaType: "image/png" | "image/jpeg" | "image/gif";
  readonly width: number;
  readonly height: number;
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly rotation: 0 | 90 | 180 | 270;
  readonly text: PageText | undefined;
  readonly dicom: DicomFacts | undefined;
}

/** `memory`: the bytes that the process has, by which its owner replaces it. */
export type Answer = { readonly memory: number } & (
  | { readonly is: "opened"; readonly opened: Opened }
  | { readonly is: "page"; readonly page: EncodedPage }
  | { readonly is: "closed" }
  | { readonly is: "fault"; readonly code: FaultCode; readonly message: string }
  /** A defect: nothing of it is told, its message may hold anything. */
  | { readonly is: "defect" }
);
