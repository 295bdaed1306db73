import type { ErrorBody } from "./problem.js";

/** Where the events of an answer go. */
export interface EventSink {
  /** Whether a failure is to be told in the stream: its headers are out. */
  readonly opened: boolean;
  /** Sends the headers; a second call does nothing. */
  open(): void;
  /**
   * @param data one line, as JSON is
   * @returns undefined, or where the reader is slow: what resolves when it has read, or is gone
   */
  send(data: string, event?: string): Promise<void> | undefined;
  /** The answer is whole. */
  end(): void;
  /** The answer is broken: its reader is told, and must not take it for whole. */
  fail(body: ErrorBody | object, event?: string): void;
}
