/**
 * What is wrong with what was given, in a word that stays the same over versions.
 *
 * | code | meaning |
 * | --- | --- |
 * | `BAD_ANSWER` | the answer is not complete JSON |
 * | `BAD_TOKENS` | the tokens are missing, or are not those of the answer |
 * | `BAD_CALIBRATION` | a calibration is no calibration, or wants what the tokens do not tell |
 * | `TOO_FEW_SAMPLES` | there is not enough to fit a calibration to, or to measure one with |
 * | `BAD_MAPPING` | a mapping to FHIR is none |
 * | `BAD_CODES` | a table of codes cannot be read, or contradicts itself |
 * | `BAD_SOURCE` | what is told of the page, the model or the time has not its form |
 */
export type ExtractErrorCode =
  "BAD_ANSWER" | "BAD_TOKENS" | "BAD_CALIBRATION" | "TOO_FEW_SAMPLES" | "BAD_MAPPING" | "BAD_CODES" | "BAD_SOURCE";

/** The one error class of the package. Messages say what to do; they hold nothing of an answer or a page. */
export class ExtractError extends Error {
  override readonly name = "ExtractError";
  readonly code: ExtractErrorCode;

  constructor(code: ExtractErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
