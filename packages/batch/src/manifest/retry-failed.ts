import { jobId } from "../queue/job-id.js";
import type { Queue } from "../queue/queue.js";
import { requeue } from "./reconcile.js";
import { findRun } from "./runs.js";

const MOST = 1000;

/** Which rows {@link retryFailed} asks again. */
export interface RetryOptions {
  /** Rows with one of these codes. Default: all. */
  codes?: readonly string[];
  /** Also rows that were left alone because they ended their workers. Default false. */
  quarantined?: boolean;
}

/**
 * Puts a run's failed rows into the queue again, with no errors and kills counted. Their results are removed. Quarantined ones run
 * alone. Documents that could not be read, or whose pages could not be counted, need the run's sources to be added again.
 *
 * @returns how many rows
 * @throws BatchError (rejects) `RUN_NOT_FOUND`
 */
export async function retryFailed(queue: Queue, run: string, options: RetryOptions = {}): Promise<number> {
  const { codes, quarantined = false } = options;
  await findRun(queue, run);
  const { database, schema, jobs } = queue;
  await jobs.create(run);
  await database.query(`UPDATE ${schema}.runs SET open = true WHERE id = $1`, [run]);
  const states = quarantined ? ["failed", "quarantined"] : ["failed"];
  for (let sum = 0; ;) {
    const count = await database.transaction(async (tx) => {
      const chosen = await tx.query<{ id: string; turn: number; state: string }>(
        `SELECT r.id, r.turn, r.state FROM ${schema}.rows r
         WHERE r.run = $1 AND r.state = ANY($2::text[]) AND r.sha256 IS NOT NULL AND r.page > 0
           AND ($3::text[] IS NULL OR r.code = ANY($3::text[]))
         LIMIT ${MOST} FOR UPDATE`,
        [run, states, codes ?? null],
      );
      for (const lane of ["shared", "alone"] as const) {
        const rows = chosen
          .filter(({ state }) => (state === "quarantined") === (lane === "alone"))
          .map(({ id, turn }) => ({ id: jobId(run, id, turn + 1), row: id, turn: turn + 1 }));
        const ids = rows.map(({ row }) => row);
        await tx.query(`DELETE FROM ${schema}.results WHERE run = $1 AND row = ANY($2::text[])`, [run, ids]);
        await tx.query(
          `UPDATE ${schema}.rows SET errors = 0, kills = 0, code = NULL WHERE run = $1 AND id = ANY($2::text[])`,
          [run, ids],
        );
        await requeue(tx, queue, run, lane, rows);
      }
      return chosen.length;
    });
    sum += count;
    if (count < MOST) return sum;
  }
}
