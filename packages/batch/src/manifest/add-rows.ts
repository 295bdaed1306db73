import type { Connection } from "../database/database.js";
import type { RowError } from "../errors.js";
import { jobId } from "../queue/job-id.js";
import type { Queue } from "../queue/queue.js";

/** A page to be asked, ready for the manifest. */
export interface PreparedRow {
  /** The row's id. */
  row: string;
  /** Where its bytes are: a path or URL. */
  ref: string;
  /** From 1; 0: the document as a whole, whose pages could not be counted. */
  page: number;
  /** Of the bytes; undefined: they could not be read. */
  sha256: string | undefined;
  /** The user's own name of the source. */
  name: string | undefined;
  /** Why there is nothing to compute. */
  failure: RowError | undefined;
}

/**
 * Adds pages to a run in one transaction: sources, rows that are new, their jobs. What is there already stays as it is. A source
 * that was another row before, as a file that has changed since, gives that row up.
 *
 * @returns how many rows are new
 */
export async function addRows(queue: Queue, run: string, given: readonly PreparedRow[]): Promise<number> {
  if (given.length === 0) return 0;
  // One statement cannot touch a row twice.
  const sources = [...new Map(given.map((each) => [`${each.page}\n${each.ref}`, each])).values()];
  const rows = [...new Map(given.map((each) => [each.row, each])).values()];
  const { schema } = queue;
  return queue.database.transaction(async (tx) => {
    const replaced = await addSources(tx, schema, run, sources);
    const added = await tx.query<{ id: string }>(
      `INSERT INTO ${schema}.rows (run, id, ref, page, sha256, state, job, code)
       SELECT $1, id, ref, page, sha256, state, job, code FROM json_to_recordset($2::json)
         AS g (id text, ref text, page int, sha256 text, state text, job uuid, code text)
       ON CONFLICT (run, id) DO NOTHING RETURNING id`,
      [run, JSON.stringify(rows.map((each) => rowOf(run, each)))],
    );
    const isNew = new Set(added.map(({ id }) => id));
    const fresh = rows.filter(({ row }) => isNew.has(row));
    const failed = fresh.filter(({ failure }) => failure !== undefined);
    await addFailures(tx, schema, run, failed);
    const jobs = fresh.filter(({ failure }) => failure === undefined);
    await queue.jobs.add(
      tx,
      run,
      "shared",
      jobs.map(({ row }) => ({ id: jobId(run, row, 0), row, turn: 0 })),
    );
    await removeWithoutSource(tx, schema, run, replaced);
    return added.length;
  });
}

function rowOf(run: string, { row, ref, page, sha256, failure }: PreparedRow) {
  const about = { id: row, ref, page, sha256: sha256 ?? null };
  return failure === undefined
    ? { ...about, state: "queued", job: jobId(run, row, 0), code: null }
    : { ...about, state: "failed", job: null, code: failure.code };
}

/**
 * What stands of a source from a time when it had other bytes, or could not be read or counted, goes: it may have had more pages.
 *
 * @returns the rows that these sources were before
 */
async function addSources(
  tx: Connection,
  schema: string,
  run: string,
  sources: readonly PreparedRow[],
): Promise<string[]> {
  const given = sources.map(({ ref, page, row, name, sha256 }) => ({ ref, page, row, name: name ?? null, sha256 }));
  const whole = given.map(({ ref, sha256 = null, page }) => ({ ref, sha256, counted: page > 0 }));
  const distinct = [...new Map(whole.map((each) => [each.ref, each])).values()];
  const replaced = await tx.query<{ row: string }>(
    `DELETE FROM ${schema}.sources s USING json_to_recordset($2::json) AS g (ref text, sha256 text, counted boolean),
       ${schema}.rows r
     WHERE s.run = $1 AND s.ref = g.ref AND r.run = $1 AND r.id = s.row
       AND (r.sha256 IS DISTINCT FROM g.sha256 OR (s.page > 0) <> g.counted) RETURNING s.row`,
    [run, JSON.stringify(distinct)],
  );
  await tx.query(
    `INSERT INTO ${schema}.sources (run, ref, page, row, name)
     SELECT $1, ref, page, row, name FROM json_to_recordset($2::json) AS g (ref text, page int, row text, name text)
     ON CONFLICT (run, ref, page) DO UPDATE SET row = excluded.row, name = excluded.name
       WHERE sources.row <> excluded.row OR sources.name IS DISTINCT FROM excluded.name`,
    [run, JSON.stringify(given)],
  );
  return replaced.map(({ row }) => row);
}

async function addFailures(tx: Connection, schema: string, run: string, failed: readonly PreparedRow[]): Promise<void> {
  if (failed.length === 0) return;
  const results = failed.map(({ row, failure }) => ({ row, code: failure!.code, message: failure!.message }));
  await tx.query(
    `INSERT INTO ${schema}.results (run, row, attempt, state, code, message)
     SELECT $1, row, 0, 'failed', code, message FROM json_to_recordset($2::json) AS g (row text, code text, message text)
     ON CONFLICT DO NOTHING`,
    [run, JSON.stringify(results)],
  );
}

/** Their jobs find no row, and are completed by whoever takes them. */
async function removeWithoutSource(
  tx: Connection,
  schema: string,
  run: string,
  rows: readonly string[],
): Promise<void> {
  if (rows.length === 0) return;
  const removed = await tx.query<{ id: string }>(
    `DELETE FROM ${schema}.rows r WHERE r.run = $1 AND r.id = ANY($2::text[])
       AND NOT EXISTS (SELECT 1 FROM ${schema}.sources s WHERE s.run = $1 AND s.row = r.id) RETURNING r.id`,
    [run, rows],
  );
  await tx.query(`DELETE FROM ${schema}.results WHERE run = $1 AND row = ANY($2::text[])`, [
    run,
    removed.map(({ id }) => id),
  ]);
}
