import type { Queue } from "../queue/queue.js";
import { findRun, listRuns, type Run } from "./runs.js";

/** Seconds of which the rate is. */
const LATE = 60;

/** What a host does. */
export interface HostStatus {
  host: string;
  /** Rows that run there now. */
  running: number;
  /** Results of the last minute. */
  late: number;
}

/** How far a run is. Done, failed and quarantined are counted from results. */
export interface RunStatus {
  run: string;
  created: Date;
  /** Whether all of its sources were added. */
  enumerated: boolean;
  /** Rows: pages that are asked something, each once. */
  inputs: number;
  /** Sources: the same page twice is one row, and two of these. */
  sources: number;
  done: number;
  failed: number;
  quarantined: number;
  running: number;
  queued: number;
  /** Failed and quarantined rows by their code. */
  codes: Record<string, number>;
  /** Results a second in the last minute; undefined: there were none. */
  rate: number | undefined;
  /** Seconds left at that rate; undefined: not known. */
  secondsLeft: number | undefined;
  hosts: HostStatus[];
}

/**
 * How far runs are.
 *
 * @param run default: all of them
 * @throws BatchError (rejects) `RUN_NOT_FOUND`
 */
export async function status(queue: Queue, run?: string): Promise<RunStatus[]> {
  const runs = run === undefined ? await listRuns(queue) : [await findRun(queue, run)];
  return Promise.all(runs.map((each) => statusOf(queue, each)));
}

export async function statusOf({ database, schema }: Queue, run: Run): Promise<RunStatus> {
  const [[rows], results, hosts] = await Promise.all([
    database.query<{ inputs: number; sources: number }>(
      `SELECT (SELECT count(*) FROM ${schema}.rows WHERE run = $1)::int AS inputs,
         (SELECT count(*) FROM ${schema}.sources WHERE run = $1)::int AS sources`,
      [run.id],
    ),
    database.query<{ state: "done" | "failed" | "quarantined"; code: string | null; count: number }>(
      `SELECT state, code, count(*)::int AS count FROM ${schema}.results WHERE run = $1 GROUP BY state, code`,
      [run.id],
    ),
    database.query<HostStatus & { seconds: number }>(
      `SELECT host, sum(running)::int AS running, sum(late)::int AS late, coalesce(max(seconds), 0)::float AS seconds FROM (
         SELECT host, count(*) AS running, 0 AS late, 0 AS seconds FROM ${schema}.rows
           WHERE run = $1 AND state = 'running' AND host IS NOT NULL GROUP BY host
         UNION ALL
         SELECT host, 0, count(*), extract(epoch FROM now() - min(ended)) FROM ${schema}.results
           WHERE run = $1 AND ended > now() - interval '${LATE} seconds' AND host IS NOT NULL GROUP BY host
       ) AS both_kinds GROUP BY host ORDER BY host`,
      [run.id],
    ),
  ]);
  const sum = { done: 0, failed: 0, quarantined: 0 };
  const codes: Record<string, number> = {};
  for (const { state, code, count } of results) {
    sum[state] += count;
    if (code !== null) codes[code] = (codes[code] ?? 0) + count;
  }
  const { inputs, sources } = rows ?? { inputs: 0, sources: 0 };
  const running = hosts.reduce((all, each) => all + each.running, 0);
  const left = inputs - sum.done - sum.failed - sum.quarantined;
  const late = hosts.reduce((all, each) => all + each.late, 0);
  const seconds = Math.max(1, ...hosts.map((each) => each.seconds));
  const rate = late === 0 ? undefined : late / seconds;
  return {
    run: run.id,
    created: run.created,
    enumerated: run.enumerated,
    inputs,
    sources,
    ...sum,
    running,
    queued: Math.max(0, left - running),
    codes,
    rate,
    secondsLeft: rate === undefined ? undefined : left / rate,
    hosts: hosts.map(({ host, running: now, late: of }) => ({ host, running: now, late: of })),
  };
}
