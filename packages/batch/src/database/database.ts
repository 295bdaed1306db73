/** The little that a queue needs of PostgreSQL, wherever it runs. */

/** A connection, or a transaction on one. */
export interface Connection {
  /** One statement. Values are `$1`, `$2`, …; JSON goes in as text. Counts are to be cast to int. */
  query<T = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Several statements without values; gives the rows of the last. */
  script<T = Record<string, unknown>>(text: string): Promise<T[]>;
}

/** A database. Errors of statements come as the driver made them; see `isConnectionError`. */
export interface Database extends Connection {
  /** `"postgres"`: a server, for many processes. `"folder"`: PGlite in a folder, which this process has alone. */
  readonly kind: "postgres" | "folder";
  /** Commits what `work` does, or nothing of it where it throws. */
  transaction<T>(work: (tx: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
