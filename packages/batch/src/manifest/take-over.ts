import type { Connection } from "../database/database.js";
import type { Queue } from "../queue/queue.js";
import type { ClaimedRow } from "./claim.js";
import { settle, withinLimits, type Settled } from "./settle.js";

/** Rows of one round: what is left comes with the next. */
const MOST = 500;

interface Lost extends ClaimedRow {
  maxAttempts: number;
  maxKills: number;
}

/**
 * Takes over rows whose worker gives no sign of life: their lease is over. They come back to run alone, or are left alone where
 * they have ended too many workers. After a start of the server a whole lease is waited, so that workers that live can renew
 * theirs.
 *
 * @returns how many rows came back
 */
export async function takeOver(queue: Queue): Promise<number> {
  return settleLost(
    queue,
    await lostRows(
      queue.database,
      queue,
      `r.lease_until < now() AND now() > pg_postmaster_start_time() + make_interval(secs => ${queue.leaseSeconds})`,
    ),
  );
}

/** All rows that run, whatever their lease says: to be called where no worker can be alive. */
export async function takeOverAll(queue: Queue): Promise<void> {
  while ((await settleLost(queue, await lostRows(queue.database, queue, "true"))) === MOST);
}

function lostRows(connection: Connection, { schema }: Queue, condition: string): Promise<Lost[]> {
  return connection.query<Lost>(
    `SELECT r.run, r.id, r.ref, r.page, r.sha256, r.attempt, r.turn, r.errors, r.kills, r.lane, r.job,
       runs.max_attempts AS "maxAttempts", runs.max_kills AS "maxKills"
     FROM ${schema}.rows r JOIN ${schema}.runs ON runs.id = r.run
     WHERE r.state = 'running' AND ${condition} ORDER BY r.lease_until LIMIT ${MOST}`,
  );
}

/** Where two take over the same row, or its worker comes back, the attempt's number decides. */
async function settleLost(queue: Queue, lost: readonly Lost[]): Promise<number> {
  const settled = lost.map(({ maxAttempts, maxKills, ...row }): Settled => ({
    row,
    outcome: withinLimits(row, { kind: "killed" }, { maxAttempts, maxKills }),
  }));
  return (await settle(queue, settled)).size;
}

/** Gives back rows that this worker has claimed and does not know of: the answer of a claim was lost with its connection. */
export async function giveBackUnknown(queue: Queue, worker: string, known: readonly ClaimedRow[]): Promise<void> {
  const held = new Set(known.map(({ run, id, attempt }) => `${run}\n${id}\n${attempt}`));
  const running = await queue.database.query<ClaimedRow>(
    `SELECT run, id, ref, page, sha256, attempt, turn, errors, kills, lane, job FROM ${queue.schema}.rows
     WHERE state = 'running' AND worker = $1`,
    [worker],
  );
  const unknown = running.filter(({ run, id, attempt }) => !held.has(`${run}\n${id}\n${attempt}`));
  await settle(
    queue,
    unknown.map((row) => ({ row, outcome: { kind: "back" } })),
  );
}
