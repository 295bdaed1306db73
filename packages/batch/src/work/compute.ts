import type { Ask } from "../manifest/identity.js";

/** A row to be computed. It says where its bytes are, and not what is in them. */
export interface Row {
  run: string;
  /** The row's id: sha256 of the file's bytes, the page and what is asked. */
  id: string;
  /** A path or URL. */
  ref: string;
  /** From 1. */
  page: number;
  /** Of the file's bytes, when it was queued. */
  sha256: string | null;
  /** What is asked of it. */
  ask: Ask;
}

/** How a row is computed this time. */
export interface ComputeContext {
  /** Aborted when the row is not this worker's any more, or the worker stops: what runs is to end, and nothing is kept of it. */
  signal: AbortSignal;
  /** How often the row was claimed, with this time. */
  attempt: number;
}

/**
 * Computes a row: resolves with its value, which becomes JSON. Rejects with an error that has a `code` (as BatchError and
 * MedInferError have); where its `retryable` is true, the row is tried again later.
 */
export type Compute = (row: Row, context: ComputeContext) => Promise<unknown>;
