import type { Job, Lane } from "../queue/job-queue.js";
import type { Queue } from "../queue/queue.js";

/** A row that is claimed: nobody else computes it while the lease holds. */
export interface ClaimedRow {
  run: string;
  id: string;
  ref: string;
  page: number;
  sha256: string | null;
  /** The fence: how often the row was claimed, with this time. */
  attempt: number;
  turn: number;
  errors: number;
  kills: number;
  lane: Lane;
  job: string;
}

/** Who claims. */
export interface Claimant {
  /** Of this process and worker alone. */
  worker: string;
  host: string;
}

/**
 * Claims up to so many rows of a run, of the lane `alone` one, in one transaction: the jobs are taken, their rows are running. Jobs of rows that have a
 * result, or another turn, are done away with.
 */
export async function claim(
  queue: Queue,
  { run, lane, count }: { run: string; lane: Lane; count: number },
  { worker, host }: Claimant,
): Promise<ClaimedRow[]> {
  const { schema, jobs } = queue;
  return queue.database.transaction(async (tx) => {
    if (lane === "alone") {
      // One at a time for each host, however many workers it has.
      await tx.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`medinfer alone on ${host}`]);
      const [busy] = await tx.query(
        `SELECT 1 FROM ${schema}.rows WHERE state = 'running' AND lease_until > now() AND lane = 'alone' AND host = $1 LIMIT 1`,
        [host],
      );
      if (busy !== undefined) return [];
    }
    const taken = await jobs.take(tx, run, lane, lane === "alone" ? 1 : count);
    if (taken.length === 0) return [];
    const claimed = await tx.query<Omit<ClaimedRow, "run" | "lane">>(
      `UPDATE ${schema}.rows r SET state = 'running', attempt = r.attempt + 1, worker = $3, host = $4,
         lease_until = now() + make_interval(secs => $5)
       FROM json_to_recordset($2::json) AS g (row text, turn int)
       WHERE r.run = $1 AND r.id = g.row AND r.turn = g.turn AND r.state = 'queued'
         AND NOT EXISTS (SELECT 1 FROM ${schema}.results x WHERE x.run = $1 AND x.row = r.id)
       RETURNING r.id, r.ref, r.page, r.sha256, r.attempt, r.turn, r.errors, r.kills, r.job`,
      [run, JSON.stringify(taken.map(({ row, turn }) => ({ row, turn }))), worker, host, queue.leaseSeconds],
    );
    const mine = new Set(claimed.map(({ job }) => job));
    const stale = taken.filter(({ id }: Job) => !mine.has(id)).map(({ id }) => id);
    await jobs.complete(tx, run, lane, stale);
    return claimed.map((row) => ({ ...row, run, lane }));
  });
}

/**
 * Renews the leases of rows that are being computed.
 *
 * @returns those that are not this attempt's any more: their computation is to end
 */
export async function renew(queue: Queue, rows: readonly ClaimedRow[]): Promise<ClaimedRow[]> {
  if (rows.length === 0) return [];
  const held = await queue.database.query<{ run: string; id: string }>(
    `UPDATE ${queue.schema}.rows r SET lease_until = now() + make_interval(secs => $2)
     FROM json_to_recordset($1::json) AS g (run text, id text, attempt int)
     WHERE r.run = g.run AND r.id = g.id AND r.attempt = g.attempt AND r.state = 'running' RETURNING r.run, r.id`,
    [JSON.stringify(rows.map(({ run, id, attempt }) => ({ run, id, attempt }))), queue.leaseSeconds],
  );
  const known = new Set(held.map(({ run, id }) => `${run}\n${id}`));
  return rows.filter(({ run, id }) => !known.has(`${run}\n${id}`));
}
