import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { PGliteInterface, Transaction } from "@electric-sql/pglite";
import { BatchError } from "../errors.js";
import type { Connection, Database } from "./database.js";
import { FolderLock } from "./folder-lock.js";

/** Only who made it reads it. */
const PRIVATE = 0o700;

/**
 * PGlite: PostgreSQL as WebAssembly in this process, its files in a folder. It keeps what was committed when the process is
 * killed. It does not ask the system to bring files to the disk (PGlite 0.5), so a loss of power may take the last seconds, or the
 * folder: where that matters, the queue belongs in a PostgreSQL server.
 */
export class FolderDatabase implements Database {
  readonly kind = "folder";
  readonly #lite: PGliteInterface;
  readonly #lock: FolderLock;

  private constructor(lite: PGliteInterface, lock: FolderLock) {
    this.#lite = lite;
    this.#lock = lock;
  }

  /**
   * Makes the folder where it is missing, which takes some seconds once.
   *
   * @throws BatchError (rejects) `QUEUE_IN_USE`, or `QUEUE_REFUSED` where the folder cannot be made or read
   */
  static async open(folder: string): Promise<FolderDatabase> {
    const place = path.resolve(folder);
    let lock: FolderLock | undefined;
    try {
      await mkdir(place, { recursive: true, mode: PRIVATE });
      lock = new FolderLock(place);
      return new FolderDatabase(await openFiles(place), lock);
    } catch (error) {
      lock?.release();
      if (error instanceof BatchError) throw error;
      const { code = "unknown" } = error as NodeJS.ErrnoException;
      const what = "the queue's folder cannot be opened";
      throw new BatchError("QUEUE_REFUSED", `${what} (${code}): check its path and rights, or name another folder`, {
        cause: error,
      });
    }
  }

  async query<T>(text: string, values?: readonly unknown[]): Promise<T[]> {
    return (await this.#lite.query<T>(text, values === undefined ? [] : [...values])).rows;
  }

  script<T>(text: string): Promise<T[]> {
    return lastRows(this.#lite, text);
  }

  transaction<T>(work: (tx: Connection) => Promise<T>): Promise<T> {
    return this.#lite.transaction((tx) => work(new InTransaction(tx)));
  }

  async close(): Promise<void> {
    try {
      if (!this.#lite.closed) await this.#lite.close();
    } finally {
      this.#lock.release();
    }
  }
}

class InTransaction implements Connection {
  readonly #tx: Transaction;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async query<T>(text: string, values?: readonly unknown[]): Promise<T[]> {
    return (await this.#tx.query<T>(text, values === undefined ? [] : [...values])).rows;
  }

  script<T>(text: string): Promise<T[]> {
    return lastRows(this.#tx, text);
  }
}

async function lastRows<T>(on: PGliteInterface | Transaction, text: string): Promise<T[]> {
  return ((await on.exec(text)).at(-1)?.rows ?? []) as T[];
}

async function openFiles(place: string): Promise<PGliteInterface> {
  const { PGlite } = await import("@electric-sql/pglite");
  const files = path.join(place, "pg");
  if (!existsSync(files)) {
    // A process that is killed meanwhile leaves nothing that looks like a database.
    const making = path.join(place, "pg.making");
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { mode: PRIVATE });
    await (await PGlite.create({ dataDir: making })).close();
    await rename(making, files);
  }
  await chmod(files, PRIVATE);
  return PGlite.create({ dataDir: files });
}
