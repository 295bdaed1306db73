import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { MedInferError } from "medinfer";
import { PRIVATE, unwritable } from "../private-file.js";
import { shortenPath } from "../shorten.js";
import { FileLock } from "./file-lock.js";
import { askedOf, rowIdPattern } from "./identity.js";
import type { Row } from "./row.js";

/** Rows with one id, that is of files with the same bytes. */
interface Done {
  count: number;
  failed: number;
}

/** What every row begins with. */
const BEGINNING = '{"id":"';
const NEWLINE = 10;

/**
 * The table of an annotation: JSON lines, to which rows are added one by one. A row is on the disk before it counts as done, so
 * that a process that is killed at any time loses none of them; the half line that it may leave is cut off when the file is
 * opened again. One process at a time has it.
 */
export class RowFile {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #lock: FileLock;
  readonly #done: Map<string, Done>;
  /** Of those in the file, as far as this run came to their files. */
  readonly #met = new Map<string, number>();

  private constructor(file: string, handle: FileHandle, lock: FileLock, done: Map<string, Done>) {
    this.#file = file;
    this.#handle = handle;
    this.#lock = lock;
    this.#done = done;
  }

  /**
   * @param asked the digest of what rows are asked now
   * @param restart whether the rows that are there are given up
   * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it cannot be written, is no such table, holds rows that were asked
   * something else, or another process has it
   */
  static async open(file: string, asked: string, { restart }: { restart: boolean }): Promise<RowFile> {
    const lock = await FileLock.take(file);
    let handle: FileHandle | undefined;
    try {
      handle = await openToAppend(file);
      const done = new Map<string, Done>();
      if (restart) await handle.truncate(0);
      else await readRows(handle, file, asked, done);
      await handle.sync();
      await syncFolder(path.dirname(file));
      return new RowFile(file, handle, lock, done);
    } catch (error) {
      await handle?.close();
      await lock.release();
      throw error;
    }
  }

  /**
   * Whether the file of this id needs no row any more. To be asked once for each file: of several with the same bytes, each has
   * a row of its own.
   */
  isDone(id: string): "done" | "failed" | undefined {
    const done = this.#done.get(id);
    if (done === undefined) return undefined;
    const met = (this.#met.get(id) ?? 0) + 1;
    this.#met.set(id, met);
    if (met > done.count) return undefined;
    return done.failed > 0 ? "failed" : "done";
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

/** Counts the rows that are whole, and cuts off what stands behind them. */
async function readRows(handle: FileHandle, file: string, asked: string, done: Map<string, Done>): Promise<void> {
  const buffer = Buffer.alloc(1 << 20);
  let line: Buffer[] = [];
  let position = 0;
  let whole = 0;
  let number = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    // A file of another kind may have no lines at all.
    if (position === 0 && !isPartOf(BEGINNING, buffer.subarray(0, bytesRead))) throw noTable(file, 1);
    let begin = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = buffer.indexOf(NEWLINE, begin)) {
      line.push(Buffer.from(buffer.subarray(begin, end)));
      count(Buffer.concat(line).toString(), file, (number += 1), asked, done);
      line = [];
      begin = end + 1;
      whole = position + begin;
    }
    line.push(Buffer.from(buffer.subarray(begin, bytesRead)));
    position += bytesRead;
  }
  if (whole === position) return;
  if (!isPartOf(BEGINNING, Buffer.concat(line))) throw noTable(file, number + 1);
  await handle.truncate(whole);
}

/** Whether the bytes begin so, as far as they go. */
function isPartOf(beginning: string, bytes: Buffer): boolean {
  return beginning.startsWith(bytes.subarray(0, beginning.length).toString("latin1"));
}

function count(line: string, file: string, number: number, asked: string, done: Map<string, Done>): void {
  let row: Partial<Row> | null;
  try {
    row = JSON.parse(line) as Partial<Row> | null;
  } catch {
    throw noTable(file, number);
  }
  const id = row?.id;
  if (typeof id !== "string" || !rowIdPattern.test(id)) throw noTable(file, number);
  if (askedOf(id) !== asked) {
    const what = `${shortenPath(file)} has rows of another prompt, schema, model or other options`;
    throw new MedInferError("INVALID_ARGUMENT", `${what}: name another --out, or give them up with --restart`);
  }
  const known = done.get(id) ?? { count: 0, failed: 0 };
  done.set(id, { count: known.count + 1, failed: known.failed + (row?.error ? 1 : 0) });
}

function noTable(file: string, line: number): MedInferError {
  const what = `${shortenPath(file)} is no table of medinfer annotate (line ${line})`;
  return new MedInferError("INVALID_ARGUMENT", `${what}: name another --out`);
}

/** So that the file's name is on the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder);
    await handle.sync().finally(() => handle.close());
  } catch {
    // Not every system syncs folders.
  }
}
