import { open, realpath, rm, type FileHandle } from "node:fs/promises";
import { PRIVATE, unwritable } from "../private-file.js";
import { FileLock } from "./file-lock.js";
import type { DoneRows } from "./done-rows.js";
import { readRows, type FailedRow } from "./read-rows.js";
import type { Row } from "./row.js";
import { syncFolderOf } from "./sync-folder.js";
import { nextOf, writeWithout } from "./without-rows.js";

/** Which of the rows with an error are given up, in their order. */
export type ChooseRetries = (failed: readonly FailedRow[]) => Promise<readonly FailedRow[]>;

/**
 * The table of an annotation: JSON lines, to which rows are added one by one. A row is on the disk before it counts as done, so
 * that a process that is killed at any time loses none of them; the half line that it may leave is cut off when the file is
 * opened again. One process at a time has it.
 */
export class RowFile {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #lock: FileLock;
  readonly #done: DoneRows;

  private constructor(file: string, handle: FileHandle, lock: FileLock, done: DoneRows) {
    this.#file = file;
    this.#handle = handle;
    this.#lock = lock;
    this.#done = done;
  }

  /**
   * @param asked the digest of what rows are asked now
   * @param restart whether the rows that are there are given up
   * @param retry chooses rows with an error that are given up, so that their files need a row again. Default: none are
   * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it cannot be written, is no such table, holds rows that were asked
   * something else, or another process has it
   */
  static async open(
    file: string,
    asked: string,
    { restart, retry }: { restart: boolean; retry?: ChooseRetries | undefined },
  ): Promise<RowFile> {
    const lock = await FileLock.take(file);
    let handle: FileHandle | undefined;
    try {
      handle = await openToAppend(file);
      // Left behind by a process that was killed: what it was to replace is whole.
      await rm(nextOf(await realpath(file)), { force: true });
      if (restart) await handle.truncate(0);
      else if (retry !== undefined && (await giveUp(handle, file, asked, retry))) {
        await handle.close();
        handle = await openToAppend(file);
      }
      const done = await readRows(handle, file, asked);
      await handle.sync();
      await syncFolderOf(file);
      return new RowFile(file, handle, lock, done);
    } catch (error) {
      await handle?.close();
      await lock.release();
      throw error;
    }
  }

  /** The run has this file. To be told of all of them before the first `isDone`. */
  expect(file: string): void {
    this.#done.expect(file);
  }

  /**
   * Whether the file of this id needs no row any more. To be asked once for each file: of several with the same bytes, each has
   * a row of its own.
   */
  isDone(id: string, file: string): "done" | "failed" | undefined {
    return this.#done.take(id, file);
  }

  /** Resolves when the row is on the disk. One at a time. */
  async add(row: Row): Promise<void> {
    try {
      await this.#handle.appendFile(`${JSON.stringify(row)}\n`);
      await this.#handle.datasync();
    } catch (error) {
      throw unwritable(this.#file, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
    await this.#lock.release();
  }
}

async function openToAppend(file: string): Promise<FileHandle> {
  try {
    return await open(file, "a+", PRIVATE);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** @returns whether another file has taken its place */
async function giveUp(handle: FileHandle, file: string, asked: string, choose: ChooseRetries): Promise<boolean> {
  const failed: FailedRow[] = [];
  await readRows(handle, file, asked, (row) => failed.push(row));
  const chosen = failed.length === 0 ? [] : await choose(failed);
  if (chosen.length > 0) await writeWithout(file, handle, chosen);
  return chosen.length > 0;
}
