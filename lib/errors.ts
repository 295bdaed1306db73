/**
 * The one error class of the library. Its `code` is the contract; messages are for people and never hold prompt text, nor
 * more than 200 characters of anything that came from outside (see excerpt.ts).
 */
import { boundedCause } from "./excerpt.js";

/** The codes of the core: Code in native/include/medinfer/status.h. */
export const nativeCodes = [
  "MODEL_NOT_FOUND",
  "BAD_GGUF",
  "BAD_MMPROJ",
  "BAD_LORA",
  "OUT_OF_MEMORY",
  "CONTEXT_FULL",
  "QUEUE_FULL",
  "ABORTED",
  "CLOSED",
  "IMAGE_NOT_FOUND",
  "IMAGE_DECODE",
  "IMAGE_TOO_LARGE",
  "NO_VISION",
  "INVALID_ARGUMENT",
  "WRONG_TASK",
  "BAD_SESSION",
  "NO_DEVICE",
  "DEVICE_BUSY",
  "BACKEND_LOST",
  "INTERNAL",
] as const;

export type NativeCode = (typeof nativeCodes)[number];

/**
 * What went wrong, in a word that stays the same over versions.
 *
 * | code | meaning |
 * | --- | --- |
 * | `INVALID_ARGUMENT` | an option is unknown, of the wrong type or out of its range; `issues` lists every one |
 * | `MODEL_NOT_FOUND` | no readable model, projector or adapter file at the path |
 * | `BAD_GGUF` | the model file is damaged, not a GGUF, or not a text model |
 * | `BAD_MMPROJ` | the projector is damaged, not a projector, or made for another model |
 * | `BAD_LORA` | the adapter is damaged, no LoRA adapter, or made for another model |
 * | `OUT_OF_MEMORY` | weights, KV pool or compute buffers do not fit |
 * | `CONTEXT_FULL` | the prompt can never fit into the context |
 * | `QUEUE_FULL` | too many requests wait; try again later |
 * | `ABORTED` | the caller aborted: a signal, or a `for await` that was left early |
 * | `CLOSED` | the engine is closed |
 * | `IMAGE_NOT_FOUND` | no readable image file at the path |
 * | `IMAGE_FETCH` | an image's URL did not answer with an image |
 * | `IMAGE_DECODE` | the image is damaged or of an unsupported format |
 * | `IMAGE_TOO_LARGE` | the image exceeds the byte or pixel limit, or is a strip of more than 200 to 1 |
 * | `DOCUMENT_NOT_FOUND` | no readable document at the path |
 * | `DOCUMENT_FETCH` | a document's URL did not answer with it |
 * | `DOCUMENT_DECODE` | the document is damaged |
 * | `DOCUMENT_UNSUPPORTED` | the document is of a kind that is not read |
 * | `DOCUMENT_PASSWORD` | the document is encrypted, and needs a password, or another |
 * | `DOCUMENT_TOO_LARGE` | the document exceeds a limit of bytes, pages or pixels |
 * | `DOCUMENT_TIMEOUT` | a page was not decoded in time |
 * | `NO_VISION` | an image was given to a model that was loaded without a projector |
 * | `WRONG_TASK` | the engine was loaded for another task, or the model cannot do the one that was asked for |
 * | `BAD_SESSION` | a session's file cannot be written or read, is damaged, or was saved with another model |
 * | `NO_DEVICE` | CUDA was asked for, and there is no GPU, driver or backend that serves |
 * | `DEVICE_BUSY` | another process holds the GPU alone; try again later |
 * | `BACKEND_LOST` | a compute backend, or the addon itself, cannot be loaded, or failed while it ran |
 * | `INTERNAL` | a defect of ours |
 */
export type ErrorCode = NativeCode | "IMAGE_FETCH" | DocumentCode;

/** The codes of @medinfer/documents. */
type DocumentCode =
  | "DOCUMENT_NOT_FOUND"
  | "DOCUMENT_FETCH"
  | "DOCUMENT_DECODE"
  | "DOCUMENT_UNSUPPORTED"
  | "DOCUMENT_PASSWORD"
  | "DOCUMENT_TOO_LARGE"
  | "DOCUMENT_TIMEOUT";

/** One thing that is wrong with the arguments of a call. */
export interface ArgumentIssue {
  /** Where, e.g. `"sampling.topP"`; empty for the argument as a whole. */
  path: string;
  /** What is wrong and what is allowed, e.g. `"must be a number from 0 to 1 (got 1.5)"`. */
  message: string;
}

/** What a {@link MedInferError} carries beside its code and message. */
export interface MedInferErrorOptions {
  /** Whether the same call can succeed later with no change by the caller. Default false. */
  retryable?: boolean;
  /** What caused it, e.g. the reason of an `AbortSignal`. */
  cause?: unknown;
  /** With `INVALID_ARGUMENT`: everything that is wrong. Of an image whose place is known: that. */
  issues?: ArgumentIssue[];
}

/**
 * Every error that the library throws or rejects with.
 *
 * @example
 * try {
 *   await engine.chat({ messages }).result;
 * } catch (error) {
 *   if (error instanceof MedInferError && error.code === "QUEUE_FULL") await retryLater();
 *   else throw error;
 * }
 */
export class MedInferError extends Error {
  override readonly name = "MedInferError";
  /** What went wrong: stable, see {@link ErrorCode}. */
  readonly code: ErrorCode;
  /** Whether the same call can succeed later with no change by the caller. */
  readonly retryable: boolean;
  /** With `INVALID_ARGUMENT`: everything that is wrong with the arguments; of an image, its place where it is known. Else empty. */
  readonly issues: readonly ArgumentIssue[];

  constructor(code: ErrorCode, message: string, options: MedInferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.issues = options.issues ?? [];
  }
}

/**
 * A MedInferError as it is, everything else as INTERNAL. The addon's errors are made with the class above
 * (native/addon.ts): what else arrives here was thrown by a caller's own code, such as a chat template that is a function,
 * or is a defect.
 */
export function toMedInferError(error: unknown): MedInferError {
  if (error instanceof MedInferError) return error;
  return new MedInferError("INTERNAL", "an unexpected error inside medinfer: see its cause", {
    cause: boundedCause(error),
  });
}

/** The error of a request that its caller ended; `reason` is the signal's. */
export function abortedError(what: string, reason?: unknown): MedInferError {
  return new MedInferError("ABORTED", `${what} was aborted`, { cause: reason });
}

/** Whether it says that an argument is wrong. */
export function isArgumentError(error: unknown): error is MedInferError {
  return error instanceof MedInferError && error.code === "INVALID_ARGUMENT";
}

/** An argument error with a single issue. */
export function argumentError(what: string, path: string, message: string, cause?: unknown): MedInferError {
  const where = path === "" ? "" : `${path} `;
  return new MedInferError("INVALID_ARGUMENT", `${what}: ${where}${message}`, {
    issues: [{ path, message }],
    cause,
  });
}

/** An argument error with a single issue, of a part of a list that several calls take; `at`: e.g. `"[2].reasoning"`. */
export function placeError(list: "messages" | "tools", at: string, message: string): MedInferError {
  const path = `${list}${at}`;
  return new MedInferError("INVALID_ARGUMENT", `${path} ${message}`, { issues: [{ path, message }] });
}
