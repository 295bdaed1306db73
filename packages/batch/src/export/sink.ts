/** A row with what became of it, as exports have it. */
export interface ResultRow {
  run: string;
  row: string;
  /** `"queued"` and `"running"`: it has no result yet. */
  state: "done" | "failed" | "quarantined" | "queued" | "running";
  /** All places where its page is: the same page twice has two. `id`: the user's own. */
  sources: { ref: string; page: number; id: string | null }[];
  /** Of the file's bytes, in hex; null: they could not be read. */
  sha256: string | null;
  /** The attempt whose result it is. */
  attempt: number;
  /** Errors and ended workers before. */
  errors: number;
  kills: number;
  host: string | null;
  /** Milliseconds that computing took. */
  ms: number | null;
  /** When it ended, as ISO 8601 in UTC; null: it has no result yet. */
  ended: string | null;
  /** What `compute` gave; null where it failed. */
  value: unknown;
  error: { code: string; message: string } | null;
}

/** Takes a run's rows, in the order in which they were queued. */
export type Sink = (rows: AsyncIterable<ResultRow>) => Promise<void>;
