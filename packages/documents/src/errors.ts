import { MedInferError, type MedInferErrorOptions } from "medinfer";
import type { FaultCode } from "./decoder/fault.js";

/**
 * What is wrong with a document: a MedInferError, with the page where it is one page's. Messages name the format, the fault and the
 * cure, and nothing of the document's content or name.
 */
export class DocumentError extends MedInferError {
  /** From 1; undefined where the whole document is meant. */
  readonly page: number | undefined;

  constructor(code: FaultCode, message: string, { page, ...options }: MedInferErrorOptions & { page?: number } = {}) {
    super(code, page === undefined ? `document: ${message}` : `document, page ${page}: ${message}`, options);
    this.page = page;
  }
}

/** Reading was ended by its caller's signal. */
export const aborted = (signal: AbortSignal | undefined): MedInferError =>
  new MedInferError("ABORTED", "document: reading it was aborted", { cause: signal?.reason as unknown });
