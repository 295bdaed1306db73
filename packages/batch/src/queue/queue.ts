import type { Database } from "../database/database.js";
import type { JobQueue } from "./job-queue.js";

/** A queue that is open: made by {@link openQueue}. Its parts are for this package; users hand it to the other calls. */
export class Queue {
  /** @internal */
  readonly database: Database;
  /** @internal */
  readonly jobs: JobQueue;
  /** The schema that all tables are in. */
  readonly schema: string;
  /** Seconds that a claim holds without a sign of life. */
  readonly leaseSeconds: number;

  /** @internal */
  constructor(parts: { database: Database; jobs: JobQueue; schema: string; leaseSeconds: number }) {
    this.database = parts.database;
    this.jobs = parts.jobs;
    this.schema = parts.schema;
    this.leaseSeconds = parts.leaseSeconds;
  }

  /** `"postgres"`: any number of hosts and processes. `"folder"`: this process alone. */
  get kind(): "postgres" | "folder" {
    return this.database.kind;
  }

  /** Lets go of connections, or of the folder. Workers on it are to be stopped before. */
  async close(): Promise<void> {
    await this.jobs.close();
    await this.database.close();
  }
}
