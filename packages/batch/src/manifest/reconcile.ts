import type { Connection } from "../database/database.js";
import { jobId } from "../queue/job-id.js";
import type { Lane } from "../queue/job-queue.js";
import type { Queue } from "../queue/queue.js";

/** Rows of one transaction. */
const MOST = 1000;

/**
 * Makes the queue say what the manifest says, in both directions: a row without a result that nobody runs, and that no job waits
 * for, is put into the queue again, whatever its state says; a row with a result has that result's state. Running it twice, or on
 * two hosts at once, changes nothing more.
 *
 * @returns how many rows were put into the queue again
 */
export async function reconcile(queue: Queue, run: string): Promise<number> {
  const { database, schema } = queue;
  await database.query(
    `UPDATE ${schema}.rows r SET state = x.state, worker = NULL, lease_until = NULL FROM ${schema}.results x
     WHERE r.run = $1 AND x.run = $1 AND x.row = r.id AND r.state IN ('queued', 'running') `,
    [run],
  );
  let sum = 0;
  for (const lane of ["shared", "alone"] as const) {
    for (;;) {
      const count = await database.transaction((tx) => addAgain(tx, queue, run, lane));
      sum += count;
      if (count < MOST) break;
    }
  }
  return sum;
}

async function addAgain(tx: Connection, queue: Queue, run: string, lane: Lane): Promise<number> {
  const { schema, jobs } = queue;
  const rows = await tx.query<{ id: string; turn: number }>(
    `SELECT r.id, r.turn FROM ${schema}.rows r
     WHERE r.run = $1 AND r.lane = $2 AND r.state <> 'running'
       AND NOT EXISTS (SELECT 1 FROM ${schema}.results x WHERE x.run = $1 AND x.row = r.id)
       AND NOT (r.state = 'queued' AND ${jobs.isWaiting("r", 3)})
     LIMIT ${MOST} FOR UPDATE SKIP LOCKED`,
    [run, lane, jobs.nameOf(run, lane)],
  );
  const again = rows.map(({ id, turn }) => ({ id: jobId(run, id, turn + 1), row: id, turn: turn + 1 }));
  await requeue(tx, queue, run, lane, again);
  return rows.length;
}

/** Puts rows that nobody runs into the queue. */
export async function requeue(
  tx: Connection,
  queue: Queue,
  run: string,
  lane: Lane,
  jobs: readonly { id: string; row: string; turn: number }[],
): Promise<void> {
  if (jobs.length === 0) return;
  await tx.query(
    `UPDATE ${queue.schema}.rows r SET state = 'queued', lane = $3, turn = g.turn, job = g.id, worker = NULL,
       lease_until = NULL FROM json_to_recordset($2::json) AS g (id uuid, row text, turn int)
     WHERE r.run = $1 AND r.id = g.row`,
    [run, JSON.stringify(jobs), lane],
  );
  await queue.jobs.add(tx, run, lane, jobs);
}

/** How many rows of a run have no result: 0 is what makes it complete. */
export async function unfinished({ database, schema }: Queue, run: string): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${schema}.rows r WHERE r.run = $1
       AND NOT EXISTS (SELECT 1 FROM ${schema}.results x WHERE x.run = $1 AND x.row = r.id)`,
    [run],
  );
  return row?.count ?? 0;
}
