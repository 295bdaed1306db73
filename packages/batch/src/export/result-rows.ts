import { findRun } from "../manifest/runs.js";
import type { Queue } from "../queue/queue.js";
import type { ResultRow, Sink } from "./sink.js";

/** Rows that are read at once. */
const PAGE = 500;

interface Found extends Omit<ResultRow, "run" | "error"> {
  seq: string;
  code: string | null;
  message: string | null;
}

/**
 * A run's rows with their results, in the order in which they were queued: any number takes the memory of a few hundred.
 *
 * @throws BatchError (from the iteration) `RUN_NOT_FOUND`
 */
export async function* resultRows(queue: Queue, run: string): AsyncGenerator<ResultRow, void, undefined> {
  await findRun(queue, run);
  const { schema } = queue;
  for (let after = "0"; ;) {
    const found = await queue.database.query<Found>(
      `SELECT r.seq::text AS seq, r.id AS row, coalesce(x.state, r.state) AS state, coalesce(x.attempt, r.attempt) AS attempt,
         r.errors, r.kills, r.sha256, x.host, x.ms, x.value, x.code, x.message,
         to_char(x.ended AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ended,
         (SELECT json_agg(json_build_object('ref', s.ref, 'page', s.page, 'id', s.name) ORDER BY s.ref, s.page)
          FROM ${schema}.sources s WHERE s.run = r.run AND s.row = r.id) AS sources
       FROM ${schema}.rows r LEFT JOIN ${schema}.results x ON x.run = r.run AND x.row = r.id
       WHERE r.run = $1 AND r.seq > $2::bigint ORDER BY r.seq LIMIT ${PAGE}`,
      [run, after],
    );
    for (const { seq, code, message, sources, ...row } of found) {
      after = seq;
      const error = code === null ? null : { code, message: message ?? "" };
      yield { run, ...row, sources: sources ?? [], error };
    }
    if (found.length < PAGE) return;
  }
}

/**
 * Writes a run's rows to a sink, also while the run is under way.
 *
 * @throws BatchError (rejects) `RUN_NOT_FOUND`, or what the sink throws
 */
export function exportRun(queue: Queue, run: string, sink: Sink): Promise<void> {
  return sink(resultRows(queue, run));
}
