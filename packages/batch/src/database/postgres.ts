import { Client, Pool, type PoolClient, type QueryResult } from "pg";
import { BatchError } from "../errors.js";
import { isConnectionError } from "./connection-error.js";
import type { Connection, Database } from "./database.js";

/** The oldest server that has all that is used: gen_random_uuid() and its like came with 13. */
const OLDEST = 130000;
const CONNECT_MS = 10_000;
/** A statement takes milliseconds; longer than that, the network is half open. */
const STATEMENT_MS = 120_000;

/** PostgreSQL over the network, or a Unix socket. */
export class PostgresDatabase implements Database {
  readonly kind = "postgres";
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * @param url `postgres://user:password@host:port/database`; what it leaves out comes from the variables PGHOST, PGUSER,
   * PGPASSWORD, … of libpq
   * @param connections most of them that are open at once
   * @throws BatchError (rejects) `INVALID_ARGUMENT`, `QUEUE_UNREACHABLE`, `QUEUE_REFUSED` or `QUEUE_UNSUPPORTED`
   */
  static async open(url: string, connections: number): Promise<PostgresDatabase> {
    const place = placeOf(url);
    const pool = new Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS,
      keepAlive: true,
      application_name: "medinfer",
    });
    // A connection that breaks while nobody uses it; whoever uses the next one is told by its own error.
    pool.on("error", () => {});
    const database = new PostgresDatabase(pool);
    try {
      const [row] = await database.query<{ version: number }>(
        "SELECT current_setting('server_version_num')::int AS version",
      );
      if ((row?.version ?? 0) < OLDEST) {
        throw new BatchError(
          "QUEUE_UNSUPPORTED",
          `the queue's database at ${place} is older than PostgreSQL 13: use a newer one`,
        );
      }
      return database;
    } catch (error) {
      await database.close().catch(() => {});
      throw error instanceof BatchError ? error : openError(error, place);
    }
  }

  query<T>(text: string, values?: readonly unknown[]): Promise<T[]> {
    return rowsOf(this.#pool.query(text, values === undefined ? undefined : [...values]));
  }

  script<T>(text: string): Promise<T[]> {
    return rowsOf(this.#pool.query(text));
  }

  async transaction<T>(work: (tx: Connection) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    // Without a listener a connection that breaks between two statements would end the process.
    client.on("error", ignore);
    let broken: Error | undefined;
    try {
      await client.query("BEGIN");
      const result = await work(new OnClient(client));
      await client.query("COMMIT");
      return result;
    } catch (error) {
      if (isConnectionError(error)) broken = error as Error;
      else await client.query("ROLLBACK").catch((reason: Error) => (broken = reason));
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

class OnClient implements Connection {
  readonly #client: PoolClient;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<T>(text: string, values?: readonly unknown[]): Promise<T[]> {
    return rowsOf(this.#client.query(text, values === undefined ? undefined : [...values]));
  }

  script<T>(text: string): Promise<T[]> {
    return rowsOf(this.#client.query(text));
  }
}

const ignore = () => {};

/** Of several statements node-postgres gives a list of results. */
async function rowsOf<T>(result: Promise<QueryResult | QueryResult[]>): Promise<T[]> {
  const given = await result;
  return ((Array.isArray(given) ? given.at(-1)?.rows : given.rows) ?? []) as T[];
}

/** Where a database is, as messages may say it: never with the password. */
function placeOf(url: string): string {
  try {
    const { host, port, database } = new Client({ connectionString: url });
    return `${host}:${port}/${database ?? ""}`;
  } catch {
    throw new BatchError(
      "INVALID_ARGUMENT",
      "the queue's URL cannot be read: postgres://user:password@host:5432/database",
    );
  }
}

function openError(error: unknown, place: string): BatchError {
  const { code = "unknown" } = error as { code?: string };
  const at = `the queue's database at ${place}`;
  if (/^28/.test(code))
    return new BatchError("QUEUE_REFUSED", `${at} does not let this user in (${code}): check user and password`);
  if (code === "3D000") return new BatchError("QUEUE_REFUSED", `${at} is not there: create it, or name another one`);
  if (code === "42501")
    return new BatchError(
      "QUEUE_REFUSED",
      `${at} does not let this user do what a queue needs (${code}): grant CREATE on it`,
    );
  if (isConnectionError(error)) {
    return new BatchError(
      "QUEUE_UNREACHABLE",
      `${at} does not answer (${code}): check that it runs, its address and firewalls`,
      {
        retryable: true,
      },
    );
  }
  return new BatchError("QUEUE_UNSUPPORTED", `${at} cannot be used (${code}): a queue needs PostgreSQL 13 or newer`);
}
