import type { ErrorCode } from "medinfer";

/** The codes with which a document can be refused. */
export type FaultCode = Extract<ErrorCode, `DOCUMENT_${string}`>;

/**
 * What is wrong with a document, as the decoder's process tells it. Its message names the format and the fault, what to do about
 * it where there is something, and nothing of the document's content: no attribute's value, no text, no file name.
 */
export class Fault extends Error {
  override readonly name = "Fault";

  constructor(
    readonly code: FaultCode,
    message: string,
  ) {
    super(message);
  }
}

/** The bytes are damaged: cut short, contradicting themselves, not what they begin like. */
export const damaged = (what: string) => new Fault("DOCUMENT_DECODE", what);
/** Whole, but of a form that is not read. */
export const unsupported = (what: string) => new Fault("DOCUMENT_UNSUPPORTED", what);
/** More than a budget allows; `what` names the budget's option. */
export const tooLarge = (what: string) => new Fault("DOCUMENT_TOO_LARGE", what);
