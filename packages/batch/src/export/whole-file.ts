import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { BatchError } from "../errors.js";

/** Only the owner reads and writes: it holds what was read in documents. */
const PRIVATE = 0o600;
/** Bytes that are gathered for a write. */
const CHUNK = 1 << 18;

/** A file that gets its name when it is whole and on the disk: who looks finds the one of before, or the whole new one. */
export class WholeFile {
  readonly #file: string;
  readonly #partial: string;
  readonly #handle: FileHandle;
  #pending: Uint8Array[] = [];
  #size = 0;

  private constructor(file: string, partial: string, handle: FileHandle) {
    this.#file = file;
    this.#partial = partial;
    this.#handle = handle;
  }

  /** @throws BatchError (rejects) `OUTPUT_UNWRITABLE` */
  static async create(file: string): Promise<WholeFile> {
    const partial = `${file}.${randomBytes(4).toString("hex")}.part`;
    try {
      return new WholeFile(file, partial, await open(partial, "wx", PRIVATE));
    } catch (error) {
      throw unwritable(error);
    }
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    this.#pending.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= CHUNK) await this.#flush();
  }

  /** Gives it its name. @throws BatchError (rejects) `OUTPUT_UNWRITABLE`; the file of before is as it was */
  async commit(): Promise<void> {
    try {
      await this.#flush();
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#partial, this.#file);
      await syncFolder(path.dirname(this.#file));
    } catch (error) {
      await this.discard();
      throw unwritable(error);
    }
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending.splice(0));
    this.#size = 0;
    try {
      await this.#handle.appendFile(bytes);
    } catch (error) {
      throw unwritable(error);
    }
  }
}

/** So that a file's name is on the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder);
    await handle.sync().finally(() => handle.close());
  } catch {
    // Not every system syncs folders.
  }
}

function unwritable(error: unknown): BatchError {
  if (error instanceof BatchError) return error;
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  return new BatchError(
    "OUTPUT_UNWRITABLE",
    `the exported file cannot be written (${code}): check its folder and the room on the disk`,
  );
}

/** Writes several files, for sinks: all get their names, or none of them does. Only their owner reads them. */
export async function writeFiles<T>(files: readonly string[], write: (files: WholeFile[]) => Promise<T>): Promise<T> {
  const made: WholeFile[] = [];
  try {
    for (const file of files) made.push(await WholeFile.create(file));
    const result = await write(made);
    for (const file of made) await file.commit();
    return result;
  } catch (error) {
    for (const file of made) await file.discard();
    throw error;
  }
}
