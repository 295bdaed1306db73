import type { Database } from "../database/database.js";
import { FolderDatabase } from "../database/folder.js";
import { PostgresDatabase } from "../database/postgres.js";
import { BatchError } from "../errors.js";
import { takeOverAll } from "../manifest/take-over.js";
import { JobQueue } from "./job-queue.js";
import { migrate } from "./migrations.js";
import { Queue } from "./queue.js";

/** Options of {@link openQueue}. */
export interface QueueOptions {
  /** The schema of all tables; it is made where it is missing. Letters, digits and `_`. Default `"medinfer"`. */
  schema?: string;
  /**
   * Seconds that a claim on a row holds without a sign of life, 3 to 3600: a killed worker's rows are taken over so much later.
   * The same for all processes on the queue. Default 30.
   */
  leaseSeconds?: number;
  /** Most connections of this process to a PostgreSQL server. Default 6. */
  connections?: number;
}

/**
 * Opens a queue, and makes its tables where they are missing.
 *
 * @param url `postgres://user:password@host:5432/database` for any number of hosts, or `dir:FOLDER` for one process, with its
 * files in that folder
 * @throws BatchError (rejects) `INVALID_ARGUMENT`, `QUEUE_UNREACHABLE`, `QUEUE_REFUSED`, `QUEUE_UNSUPPORTED`, `QUEUE_NEWER`
 * or `QUEUE_IN_USE`
 */
export async function openQueue(url: string, options: QueueOptions = {}): Promise<Queue> {
  const { schema = "medinfer", leaseSeconds = 30, connections = 6 } = options;
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new BatchError(
      "INVALID_ARGUMENT",
      "openQueue: schema must be of a-z, 0-9 and _, at most 50 of them, no digit first",
    );
  }
  if (!Number.isInteger(leaseSeconds) || leaseSeconds < 3 || leaseSeconds > 3600) {
    throw new BatchError("INVALID_ARGUMENT", "openQueue: leaseSeconds must be an integer from 3 to 3600");
  }
  if (!Number.isInteger(connections) || connections < 2) {
    throw new BatchError("INVALID_ARGUMENT", "openQueue: connections must be an integer of at least 2");
  }
  const database = await openDatabase(url, connections);
  try {
    await migrate(database, schema);
    const jobs = await JobQueue.open(database, schema);
    const queue = new Queue({ database, jobs, schema, leaseSeconds });
    // Nobody else has the folder: whoever ran a row in it is gone.
    if (database.kind === "folder") await takeOverAll(queue);
    return queue;
  } catch (error) {
    await database.close().catch(() => {});
    throw error instanceof BatchError ? error : notMade(error);
  }
}

async function openDatabase(url: string, connections: number): Promise<Database> {
  if (/^postgres(ql)?:\/\//.test(url)) return PostgresDatabase.open(url, connections);
  const [, folder] = /^dir:(.+)$/s.exec(url) ?? [];
  if (folder !== undefined) return FolderDatabase.open(folder);
  if (/^rediss?:/.test(url)) {
    throw new BatchError("INVALID_ARGUMENT", "a queue in Redis is not supported: use postgres://… or dir:FOLDER");
  }
  throw new BatchError(
    "INVALID_ARGUMENT",
    "a queue's URL is postgres://user:password@host:5432/database or dir:FOLDER",
  );
}

function notMade(error: unknown): BatchError {
  const { code = "unknown" } = error as { code?: string };
  const what = `the queue's tables cannot be made or read (${code})`;
  if (code === "42501") {
    return new BatchError(
      "QUEUE_REFUSED",
      `${what}: let the user make schemas in this database (GRANT CREATE), or own the schema`,
    );
  }
  return new BatchError("QUEUE_UNSUPPORTED", `${what}: name an empty schema, or a database of its own`, {
    cause: error,
  });
}
