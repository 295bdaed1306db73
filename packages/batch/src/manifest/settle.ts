import type { Connection } from "../database/database.js";
import { jobId } from "../queue/job-id.js";
import type { Lane, NewJob } from "../queue/job-queue.js";
import type { Queue } from "../queue/queue.js";
import type { ClaimedRow } from "./claim.js";
import { storable } from "./storable.js";

/** What became of a claimed row. */
export type Outcome =
  | { kind: "done"; value: unknown; ms: number }
  | { kind: "failed"; code: string; message: string; ms: number }
  | { kind: "quarantined"; code: string; message: string }
  /** A retryable error: it is tried again after so many seconds. */
  | { kind: "retry"; code: string; seconds: number }
  /** Its worker was ended: it comes back, to run alone. */
  | { kind: "killed" }
  /** Given back as it was: its worker stops. */
  | { kind: "back" };

export interface Settled {
  row: ClaimedRow;
  outcome: Outcome;
}

/** The row as it stands after an outcome. */
export interface NextState {
  id: string;
  attempt: number;
  state: "queued" | "done" | "failed" | "quarantined";
  lane: Lane;
  turn: number;
  job: string | null;
  errors: number;
  kills: number;
  code: string | null;
}

/** Pure: the state of a row after its outcome. */
export function nextState(row: ClaimedRow, outcome: Outcome): NextState {
  const { run, id, attempt, turn, errors, kills, lane } = row;
  const same = { id, attempt, lane, turn, job: null, errors, kills, code: null };
  const again = { ...same, state: "queued" as const, turn: turn + 1, job: jobId(run, id, turn + 1) };
  switch (outcome.kind) {
    case "done":
      return { ...same, state: "done" };
    case "failed":
      return { ...same, state: "failed", errors: errors + 1, code: outcome.code };
    case "quarantined":
      return { ...same, state: "quarantined", kills: kills + 1, code: outcome.code };
    case "retry":
      return { ...again, errors: errors + 1, code: outcome.code };
    case "killed":
      return { ...again, lane: "alone", kills: kills + 1, code: "WORKER_ENDED" };
    case "back":
      return again;
  }
}

/**
 * Writes down what became of rows, each once: in one transaction the row leaves its attempt, its job is completed, and the result is
 * inserted or the row put into the queue again. What is not this attempt's any more is dropped. Safe to be called again where a
 * commit's answer was lost.
 *
 * @returns the rows whose outcome is stored; the others were dropped
 */
export async function settle(queue: Queue, settled: readonly Settled[]): Promise<Set<ClaimedRow>> {
  const stored = new Set<ClaimedRow>();
  const groups = new Map<string, Settled[]>();
  for (const each of settled) {
    const key = `${each.row.run}\n${each.row.lane}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  for (const group of groups.values()) {
    for (const row of await settleGroup(queue, group)) stored.add(row);
  }
  return stored;
}

/** Of one run and lane. */
async function settleGroup(queue: Queue, group: readonly Settled[]): Promise<ClaimedRow[]> {
  try {
    return await queue.database.transaction((tx) => settleIn(tx, queue, group));
  } catch (error) {
    if (!isOddOne(error) && !isUnstorable(error)) throw error;
    if (group.length > 1) {
      const each = await Promise.all(group.map((one) => settleGroup(queue, [one])));
      return each.flat();
    }
    const { row, outcome } = group[0]!;
    if (outcome.kind === "done" && isUnstorable(error))
      return settleGroup(queue, [{ row, outcome: unstorable(outcome.ms) }]);
    // Rolled back and dropped, as the job was not this attempt's. The row is: it goes into the queue again.
    await queue.database.transaction((tx) => requeueWithoutJob(tx, queue, row));
    return [];
  }
}

/** The jobs are not what the rows say, or a result is there already. 23505: unique_violation. */
class JobMismatch extends Error {}

function isOddOne(error: unknown): boolean {
  return error instanceof JobMismatch || (error as { code?: string } | null)?.code === "23505";
}

/** Class 22: data exception; class 54: a limit of the database. */
function isUnstorable(error: unknown): boolean {
  return /^(22|54)/.test((error as { code?: string } | null)?.code ?? "");
}

/** What a row gets whose value cannot be written down. */
export function unstorable(ms: number): Outcome {
  const message = "the row's value cannot be stored: it has to be JSON, and of a size that a database takes";
  return { kind: "failed", code: "VALUE_UNSTORABLE", message, ms };
}

async function settleIn(tx: Connection, queue: Queue, group: readonly Settled[]): Promise<ClaimedRow[]> {
  const { schema, jobs } = queue;
  const { run, lane } = group[0]!.row;
  const next = group.map(({ row, outcome }) => nextState(row, outcome));
  const left = await leave(tx, schema, run, next);
  const mine = group.filter(({ row }) => left.has(row.id));
  const completed = await jobs.complete(
    tx,
    run,
    lane,
    mine.map(({ row }) => row.job),
  );
  if (completed !== mine.length) throw new JobMismatch("jobs were taken away");
  await insertResults(tx, schema, run, mine);
  for (const to of ["shared", "alone"] as const) await jobs.add(tx, run, to, newJobs(mine, next, to));
  const others = group.filter(({ row }) => !left.has(row.id));
  return [...mine, ...(await storedBefore(tx, schema, run, others))].map(({ row }) => row);
}

/** Takes rows out of their attempt. @returns those that were in it: the fence */
async function leave(tx: Connection, schema: string, run: string, next: readonly NextState[]): Promise<Set<string>> {
  const left = await tx.query<{ id: string }>(
    `UPDATE ${schema}.rows r SET state = g.state, lane = g.lane, turn = g.turn, job = g.job, errors = g.errors,
       kills = g.kills, code = g.code, worker = NULL, lease_until = NULL
     FROM json_to_recordset($2::json) AS g (id text, attempt int, state text, lane text, turn int, job uuid, errors int,
       kills int, code text)
     WHERE r.run = $1 AND r.id = g.id AND r.attempt = g.attempt AND r.state = 'running' RETURNING r.id`,
    [run, JSON.stringify(next)],
  );
  return new Set(left.map(({ id }) => id));
}

async function insertResults(tx: Connection, schema: string, run: string, settled: readonly Settled[]): Promise<void> {
  const results = settled
    .filter(({ outcome }) => outcome.kind === "done" || outcome.kind === "failed" || outcome.kind === "quarantined")
    .map(({ row, outcome: { kind, ...result } }) => ({ row: row.id, attempt: row.attempt, state: kind, ...result }));
  if (results.length === 0) return;
  await tx.query(
    `INSERT INTO ${schema}.results (run, row, attempt, state, code, message, value, ms, host)
     SELECT $1, g.row, g.attempt, g.state, g.code, g.message, g.value, g.ms, r.host
     FROM json_to_recordset($2::json) AS g (row text, attempt int, state text, code text, message text, value json, ms int)
     JOIN ${schema}.rows r ON r.run = $1 AND r.id = g.row`,
    [run, storable(results)],
  );
}

function newJobs(settled: readonly Settled[], next: readonly NextState[], to: Lane): NewJob[] {
  const seconds = new Map(
    settled.map(({ row, outcome }) => [row.id, outcome.kind === "retry" ? outcome.seconds : 0] as const),
  );
  return next.flatMap(({ id, state, lane, turn, job }) =>
    state === "queued" && lane === to && seconds.has(id)
      ? [{ id: job!, row: id, turn, afterSeconds: seconds.get(id) }]
      : [],
  );
}

/** Those whose result this very attempt has stored: a commit whose answer was lost. */
async function storedBefore(
  tx: Connection,
  schema: string,
  run: string,
  settled: readonly Settled[],
): Promise<Settled[]> {
  if (settled.length === 0) return [];
  const found = await tx.query<{ row: string; attempt: number }>(
    `SELECT row, attempt FROM ${schema}.results WHERE run = $1 AND row = ANY($2::text[])`,
    [run, settled.map(({ row }) => row.id)],
  );
  const attempts = new Map(found.map(({ row, attempt }) => [row, attempt]));
  return settled.filter(({ row }) => attempts.get(row.id) === row.attempt);
}

async function requeueWithoutJob(tx: Connection, queue: Queue, row: ClaimedRow): Promise<void> {
  const next = nextState(row, { kind: "back" });
  const left = await leave(tx, queue.schema, row.run, [next]);
  if (!left.has(row.id)) return;
  await queue.jobs.complete(tx, row.run, row.lane, [row.job]);
  await queue.jobs.add(tx, row.run, row.lane, [{ id: next.job!, row: row.id, turn: next.turn }]);
}

/** What a row that has ended too many workers gets. */
export function quarantined(kills: number): Outcome {
  return {
    kind: "quarantined",
    code: "WORKER_ENDED",
    message: `the row has ended ${kills} workers, the last times alone: it is left, look at its file`,
  };
}

/** How often a row may fail is the run's: over that, what would be tried again has failed. */
export function withinLimits(
  row: ClaimedRow,
  outcome: Outcome,
  { maxAttempts, maxKills }: { maxAttempts: number; maxKills: number },
): Outcome {
  if (outcome.kind === "killed" && row.kills + 1 >= maxKills) return quarantined(row.kills + 1);
  if (outcome.kind === "retry" && row.errors + 1 >= maxAttempts) {
    const message = `the row was tried ${row.errors + 1} times, and the last ended with ${outcome.code}`;
    return { kind: "failed", code: outcome.code, message, ms: 0 };
  }
  return outcome;
}
