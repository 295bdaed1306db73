import type { KeptBatch } from "./batch-store.js";

/** Answers batches, one line after another, in the order that it likes. */
export interface BatchQueue {
  /** Goes on with what a start before did not finish. */
  start(): Promise<void>;
  /** A batch that is stored, and validated by nobody yet. */
  add(batch: KeptBatch): void;
  /** Ends a batch; what is answered stays. Resolves when the wish is stored. */
  cancel(batch: KeptBatch): Promise<void>;
  /** Begins no further line. */
  pause(): void;
  /** Ends the lines that run: the next start asks them again. Resolves when nothing runs any more. */
  close(): Promise<void>;
}
