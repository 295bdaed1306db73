import type { Database } from "../database/database.js";
import { BatchError } from "../errors.js";

/**
 * Our tables, by version. A version that was released is never changed: what comes later is another one behind it.
 *
 * - runs: what is asked, and how often a row may fail. `asked` is the digest of `ask`.
 * - rows: the manifest, one row for each page that is asked something. `turn` counts how often it was put into the queue, `attempt`
 *   how often it was claimed: that is the fence. `errors` and `kills` count apart.
 * - sources: where each row's bytes are. The same page twice is one row with two sources.
 * - results: at most one for each row. The only table that holds what was read in documents.
 *
 * Values are json, not jsonb, which would give keys another order: answers follow that of a schema's properties.
 */
const versions: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.runs (
      id text PRIMARY KEY,
      created timestamptz NOT NULL DEFAULT now(),
      asked text NOT NULL,
      ask json NOT NULL,
      max_attempts int NOT NULL,
      max_kills int NOT NULL,
      open boolean NOT NULL DEFAULT true,
      enumerated boolean NOT NULL DEFAULT false
    );
    CREATE TABLE ${schema}.rows (
      run text NOT NULL REFERENCES ${schema}.runs (id) ON DELETE CASCADE,
      id text NOT NULL,
      seq bigint GENERATED ALWAYS AS IDENTITY,
      ref text NOT NULL,
      page int NOT NULL,
      sha256 text,
      state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'quarantined')),
      lane text NOT NULL DEFAULT 'shared' CHECK (lane IN ('shared', 'alone')),
      turn int NOT NULL DEFAULT 0,
      job uuid,
      attempt int NOT NULL DEFAULT 0,
      errors int NOT NULL DEFAULT 0,
      kills int NOT NULL DEFAULT 0,
      code text,
      host text,
      worker text,
      lease_until timestamptz,
      PRIMARY KEY (run, id)
    ) WITH (fillfactor = 80);
    CREATE INDEX rows_in_order ON ${schema}.rows (run, seq);
    CREATE INDEX rows_running ON ${schema}.rows (lease_until) WHERE state = 'running';
    CREATE INDEX rows_alone ON ${schema}.rows (run) WHERE state = 'queued' AND lane = 'alone';
    CREATE TABLE ${schema}.sources (
      run text NOT NULL REFERENCES ${schema}.runs (id) ON DELETE CASCADE,
      ref text NOT NULL,
      page int NOT NULL,
      row text NOT NULL,
      name text,
      PRIMARY KEY (run, ref, page)
    );
    CREATE INDEX sources_of_row ON ${schema}.sources (run, row);
    CREATE TABLE ${schema}.results (
      run text NOT NULL REFERENCES ${schema}.runs (id) ON DELETE CASCADE,
      row text NOT NULL,
      attempt int NOT NULL,
      state text NOT NULL CHECK (state IN ('done', 'failed', 'quarantined')),
      code text,
      message text,
      value json,
      host text,
      ended timestamptz NOT NULL DEFAULT now(),
      ms int,
      PRIMARY KEY (run, row)
    );
    CREATE INDEX results_by_state ON ${schema}.results (run, state);
    CREATE INDEX results_by_end ON ${schema}.results (run, ended);
  `,
];

/**
 * Brings our tables to the version of this package.
 *
 * @throws BatchError (rejects) `QUEUE_NEWER` where they are newer
 */
export async function migrate(database: Database, schema: string): Promise<void> {
  await database.transaction(async (tx) => {
    // One process at a time, whoever comes first.
    await tx.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`medinfer migrations of ${schema}`]);
    const [place] = await tx.query<{ found: boolean }>("SELECT to_regnamespace($1) IS NOT NULL AS found", [schema]);
    // Asked for first: "IF NOT EXISTS" needs the right to make schemas even where it is there.
    if (place?.found !== true) await tx.script(`CREATE SCHEMA ${schema}`);
    await tx.script(`CREATE TABLE IF NOT EXISTS ${schema}.migrations (
      version int PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())`);
    const [known] = await tx.query<{ version: number }>(
      `SELECT coalesce(max(version), 0)::int AS version FROM ${schema}.migrations`,
    );
    const version = known?.version ?? 0;
    if (version > versions.length) {
      const what = `the queue has version ${version} of its tables, this package knows ${versions.length}`;
      throw new BatchError("QUEUE_NEWER", `${what}: update @medinfer/batch on this host`);
    }
    for (const [index, sql] of versions.entries()) {
      if (index < version) continue;
      await tx.script(sql(schema));
      await tx.query(`INSERT INTO ${schema}.migrations (version) VALUES ($1)`, [index + 1]);
    }
  });
}
