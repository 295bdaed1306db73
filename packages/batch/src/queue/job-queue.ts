import PgBoss from "pg-boss";
import type { Connection, Database } from "../database/database.js";

/**
 * `shared`: rows that run beside others. `alone`: rows that came back after their worker was killed, of which a host runs one at a
 * time.
 */
export type Lane = "shared" | "alone";

/** A job: which row, and how often that was put into the queue. No document, no text. */
export interface Job {
  id: string;
  row: string;
  turn: number;
}

/** A job to be added. */
export interface NewJob extends Job {
  /** Seconds until it may be taken. Default 0. */
  afterSeconds?: number | undefined;
}

/**
 * The jobs of pg-boss 10.4, the newest release for Node 20, in the tables of its own beside ours: two queues for each run, one
 * for each lane. Jobs come and go in the transactions that change their rows. What pg-boss 12 has and 10.4 has not is done
 * with the rows, so that only its public calls are used:
 *
 * - a lease that is renewed (`heartbeatSeconds`): `lease_until` of a row. `expireInSeconds` cannot be extended, and its
 *   supervision counts an end and an error as one, so it is off;
 * - the fence: `complete` takes any active job, also one that another worker has meanwhile. `attempt` of a row tells them apart;
 * - waiting before another try with a limit: a new job with `startAfter`, in place of `fail` and its counts.
 *
 * `fetch` answers an error with no jobs, so the error is taken on its way. It also sorts all waiting jobs each time (40 ms a job
 * with 100,000 waiting): an index in their order, beside its own, lets it read the first ones (2 ms).
 */
export class JobQueue {
  readonly #database: Database;
  readonly #schema: string;
  readonly #boss: PgBoss;

  private constructor(database: Database, schema: string, boss: PgBoss) {
    this.#database = database;
    this.#schema = schema;
    this.#boss = boss;
  }

  static async open(database: Database, schema: string): Promise<JobQueue> {
    const boss = new PgBoss({ db: executorOf(database), schema, supervise: false, schedule: false });
    // Without a listener an error event ends the process. Nothing of it runs by itself here.
    boss.on("error", () => {});
    await boss.start();
    return new JobQueue(database, schema, boss);
  }

  /** Makes a run's queues, where they are missing. */
  async create(run: string): Promise<void> {
    for (const lane of ["shared", "alone"] as const) {
      const name = nameOf(run, lane);
      await this.#boss.createQueue(name);
      const [queue] = await this.#database.query<{ table: string }>(
        `SELECT partition_name AS table FROM ${this.#schema}.queue WHERE name = $1`,
        [name],
      );
      if (queue === undefined) throw new Error("pg-boss has not made the queue");
      await this.#database.script(
        `CREATE INDEX IF NOT EXISTS ${queue.table}_fetch ON ${this.#schema}.${queue.table}
         (priority DESC, created_on, id) WHERE state < 'active'`,
      );
    }
  }

  /** Removes a run's queues and all that is in them. */
  async drop(run: string): Promise<void> {
    for (const lane of ["shared", "alone"] as const) {
      const name = nameOf(run, lane);
      // deleteQueue() alone fails where the queue ever had a job: its foreign key restricts (10.4).
      await this.#database.query(`DELETE FROM ${this.#schema}.job WHERE name = $1`, [name]);
      await this.#boss.deleteQueue(name);
    }
  }

  async add(tx: Connection, run: string, lane: Lane, jobs: readonly NewJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const name = nameOf(run, lane);
    const given = jobs.map(({ id, row, turn, afterSeconds = 0 }) => ({
      id,
      name,
      data: { row, turn },
      ...(afterSeconds > 0 ? { startAfter: `${afterSeconds} seconds` } : {}),
    }));
    await this.#boss.insert(given, { db: executorOf(tx) });
  }

  /** Takes up to so many jobs, the oldest first. They are taken when the transaction is committed. */
  async take(tx: Connection, run: string, lane: Lane, count: number): Promise<Job[]> {
    const executor = executorOf(tx);
    const jobs = await this.#boss.fetch<{ row: string; turn: number }>(nameOf(run, lane), {
      batchSize: count,
      db: executor,
    });
    if (executor.failed !== undefined) throw executor.failed.error;
    return jobs.map(({ id, data: { row, turn } }) => ({ id, row, turn }));
  }

  /** @returns how many of them were taken and not completed */
  async complete(tx: Connection, run: string, lane: Lane, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const { complete } = this.#boss as unknown as { complete: CompleteMany };
    return (await complete(nameOf(run, lane), ids, null, { db: executorOf(tx) })).affected;
  }

  /** A condition of SQL: a job with the id `job` of the table `rows` waits in the queue whose name is the value `$n`. */
  isWaiting(rows: string, n: number): string {
    return `EXISTS (SELECT 1 FROM ${this.#schema}.job j WHERE j.name = $${n} AND j.id = ${rows}.job AND j.state < 'active')`;
  }

  nameOf(run: string, lane: Lane): string {
    return nameOf(run, lane);
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

function nameOf(run: string, lane: Lane): string {
  return `${run}.${lane}`;
}

/** pg-boss's `complete`, of which its types (10.4) leave out the answer. */
type CompleteMany = (
  name: string,
  ids: readonly string[],
  output: null,
  options: { db: Executor },
) => Promise<{ affected: number }>;

/** What pg-boss runs its statements through. */
interface Executor {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  failed: { error: unknown } | undefined;
}

function executorOf(connection: Connection): Executor {
  const executor: Executor = {
    failed: undefined,
    async executeSql(text, values) {
      try {
        const rows = await (values === undefined ? connection.script(text) : connection.query(text, values));
        return { rows };
      } catch (error) {
        executor.failed = { error };
        throw error;
      }
    },
  };
  return executor;
}
