import { BatchError } from "../errors.js";
import type { Queue } from "../queue/queue.js";
import { digestAsk, type Ask } from "./identity.js";
import { storable } from "./storable.js";

/** A run: what is asked of its rows, and how often one may fail. */
export interface Run {
  id: string;
  created: Date;
  /** The digest of `ask`. */
  asked: string;
  ask: Ask;
  /** Tries of a row that ends with retryable errors. */
  maxAttempts: number;
  /** Workers that a row may end before it is left alone. */
  maxKills: number;
  /** Whether rows of it may be waiting or running. */
  open: boolean;
  /** Whether all of its sources were added. */
  enumerated: boolean;
}

const columns = `id, created, asked, ask, max_attempts AS "maxAttempts", max_kills AS "maxKills", open, enumerated`;

/**
 * Makes a run, or opens it again: what is done of it stays done.
 *
 * @throws BatchError (rejects) `RUN_MISMATCH` where it asks something else
 */
export async function beginRun(
  queue: Queue,
  { id, ask, maxAttempts, maxKills }: { id: string; ask: Ask; maxAttempts: number; maxKills: number },
): Promise<Run> {
  const { database, schema } = queue;
  const asked = digestAsk(ask);
  await database.query(
    `INSERT INTO ${schema}.runs (id, asked, ask, max_attempts, max_kills) VALUES ($1, $2, $3::json, $4, $5)
     ON CONFLICT (id) DO UPDATE SET open = true, enumerated = false, max_attempts = excluded.max_attempts,
       max_kills = excluded.max_kills WHERE runs.asked = excluded.asked`,
    [id, asked, storable(ask), maxAttempts, maxKills],
  );
  const run = await findRun(queue, id);
  if (run.asked !== asked) {
    throw new BatchError("RUN_MISMATCH", "the run of this name asks something else: name another run, or ask the same");
  }
  await queue.jobs.create(id);
  return run;
}

/** @throws BatchError (rejects) `RUN_NOT_FOUND` */
export async function findRun({ database, schema }: Queue, id: string): Promise<Run> {
  const [run] = await database.query<Run>(`SELECT ${columns} FROM ${schema}.runs WHERE id = $1`, [id]);
  if (run === undefined) throw new BatchError("RUN_NOT_FOUND", "the queue has no run of this name: see listRuns");
  return run;
}

/** All runs of a queue, the oldest first. */
export function listRuns({ database, schema }: Queue): Promise<Run[]> {
  return database.query<Run>(`SELECT ${columns} FROM ${schema}.runs ORDER BY created, id`);
}

/** A run that workers look at, and whether rows of it wait in the lane `alone`. */
export interface OpenRun extends Run {
  alone: boolean;
}

export function openRuns({ database, schema }: Queue, only: string | undefined): Promise<OpenRun[]> {
  return database.query<OpenRun>(
    `SELECT ${columns}, EXISTS (SELECT 1 FROM ${schema}.rows r WHERE r.run = runs.id AND r.state = 'queued'
       AND r.lane = 'alone') AS alone
     FROM ${schema}.runs WHERE open AND ($1::text IS NULL OR id = $1) ORDER BY created, id`,
    [only ?? null],
  );
}

export async function markEnumerated({ database, schema }: Queue, id: string): Promise<void> {
  await database.query(`UPDATE ${schema}.runs SET enumerated = true WHERE id = $1`, [id]);
}

/** Says that a run is over, and removes its jobs: nothing of them is needed any more. */
export async function endRun(queue: Queue, id: string): Promise<void> {
  await queue.database.query(`UPDATE ${queue.schema}.runs SET open = false WHERE id = $1`, [id]);
  await queue.jobs.drop(id);
}

/**
 * Removes a run with its rows and results: all that was read in its documents. Its workers are to be stopped before.
 *
 * @throws BatchError (rejects) `RUN_NOT_FOUND`
 */
export async function deleteRun(queue: Queue, id: string): Promise<void> {
  await findRun(queue, id);
  await queue.jobs.drop(id);
  await queue.database.query(`DELETE FROM ${queue.schema}.runs WHERE id = $1`, [id]);
}
