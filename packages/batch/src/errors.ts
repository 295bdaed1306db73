/** What goes wrong with queues and their rows. Messages say what to do; they hold no password and no text of a document. */

/**
 * What went wrong, in a word that stays the same over versions.
 *
 * | code | meaning |
 * | --- | --- |
 * | `INVALID_ARGUMENT` | an option is missing, unknown or out of its range |
 * | `QUEUE_UNREACHABLE` | no database answers at the queue's address |
 * | `QUEUE_REFUSED` | the database is there and does not let us in, or not do what a queue needs |
 * | `QUEUE_UNSUPPORTED` | it is no database that a queue can be in |
 * | `QUEUE_NEWER` | the queue was made by a newer version of this package |
 * | `QUEUE_IN_USE` | another process has the queue's folder |
 * | `RUN_NOT_FOUND` | the queue has no run of that name |
 * | `RUN_MISMATCH` | the run is there, and asks something else of its rows |
 * | `SOURCE_UNREADABLE` | a source's bytes cannot be read |
 * | `SOURCE_CHANGED` | a source has other bytes than when it was queued |
 * | `ANSWER_CUT` | a limit of tokens or time ended the answer: it is not whole |
 * | `ANSWER_REPEATS` | the answer repeats itself up to its end |
 * | `ROW_TIMEOUT` | the row took longer than `rowTimeoutMs` |
 * | `VALUE_UNSTORABLE` | what `compute` gave is no JSON, or more than the database takes |
 * | `WORKER_ENDED` | the row has ended as many workers as it may, and is left alone |
 * | `SERVER_UNREACHABLE` | the server that computes rows does not answer; retryable |
 * | `SERVER_ERROR` | that server answered with an error that has no code of its own |
 * | `OUTPUT_UNWRITABLE` | an exported file cannot be written |
 * | `ABORTED` | the caller's signal ended it |
 * | `INTERNAL` | an error without a code, of ours or of a `compute` of yours |
 */
export type BatchErrorCode =
  | "INVALID_ARGUMENT"
  | "QUEUE_UNREACHABLE"
  | "QUEUE_REFUSED"
  | "QUEUE_UNSUPPORTED"
  | "QUEUE_NEWER"
  | "QUEUE_IN_USE"
  | "RUN_NOT_FOUND"
  | "RUN_MISMATCH"
  | "SOURCE_UNREADABLE"
  | "SOURCE_CHANGED"
  | "ANSWER_CUT"
  | "ANSWER_REPEATS"
  | "ROW_TIMEOUT"
  | "VALUE_UNSTORABLE"
  | "WORKER_ENDED"
  | "SERVER_UNREACHABLE"
  | "SERVER_ERROR"
  | "OUTPUT_UNWRITABLE"
  | "ABORTED"
  | "INTERNAL";

/** The error of this package. What an engine or a server says keeps its own code, as in `MedInferError`. */
export class BatchError extends Error {
  override readonly name = "BatchError";
  /** Stable, see {@link BatchErrorCode}; of a server's answer, the server's own. */
  readonly code: BatchErrorCode | (string & {});
  /** Whether the same may succeed later with no change. Default false. */
  readonly retryable: boolean;
  /** Milliseconds that the other side asks to wait before it is asked again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: BatchErrorCode | (string & {}),
    message: string,
    { retryable = false, retryAfterMs, cause }: { retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a row's error is written down as. */
export interface RowError {
  code: string;
  message: string;
  retryable: boolean;
  /** Milliseconds to wait at least before the row is tried again. */
  retryAfterMs?: number | undefined;
}

const CODE = /^[A-Z][A-Z0-9_]{2,63}$/;
/** Characters of a message that are kept. */
const MESSAGE = 300;

/**
 * An error of a row in the words that are stored. The message of an error without a code of ours is left out: nobody knows what
 * it quotes.
 */
export function toRowError(error: unknown): RowError {
  if (typeof error !== "object" || error === null) return unknownError;
  const { name, code, message, retryable, retryAfterMs } = error as Partial<BatchError>;
  const isOurs = name === "BatchError" || name === "MedInferError";
  if (typeof code !== "string" || !CODE.test(code)) return unknownError;
  return {
    code,
    message: isOurs && typeof message === "string" ? message.slice(0, MESSAGE) : `the row failed with ${code}`,
    retryable: retryable === true,
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
}

const unknownError: RowError = {
  code: "INTERNAL",
  message: "the row failed with an error that has no code: run the row alone to see it",
  retryable: false,
};
