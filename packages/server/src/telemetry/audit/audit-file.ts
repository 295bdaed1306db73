import { closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open, readdir, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import path from "node:path";

export interface AuditFileOptions {
  /** Bytes beyond which a new file is begun. Default 64 MiB. */
  maxBytes?: number;
  /** Milliseconds after which a new file is begun. Default a day. */
  maxAgeMs?: number;
  /** How many of the files before are kept. Default all. */
  keep?: number;
}

/** Lines that wait while the file cannot be written. More are lost, which is told. */
const MOST_WAITING = 10_000;
const RETRY_MS = 1000;
const OWNER_ONLY = 0o600;

export interface AuditFileEvents {
  /** Lines cannot be written. They are kept, and tried again every second. @param lost lines given up since it was told last */
  onBroken(error: unknown, lost: number): void;
  onMended(): void;
}

/**
 * A file of lines that takes a line whole or not at all. A write that fails, on a full disk for one, is taken back and tried
 * again; the file is rotated by size and age; one that somebody else has moved away is begun anew.
 *
 * Lines are written one batch after another, off the event loop.
 */
export class AuditFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #keep: number;
  readonly #events: AuditFileEvents;
  #waiting: string[] = [];
  #lost = 0;
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #handle: FileHandle | undefined;
  #size = 0;
  #bornAt = 0;
  #broken = false;

  /**
   * @param first a line that is written at once, so that a disk which is full is seen now
   * @throws Error of Node's, with its code, where it cannot be written
   */
  constructor(
    file: string,
    first: string,
    { maxBytes = 64 * 2 ** 20, maxAgeMs = 86_400_000, keep = Infinity }: AuditFileOptions,
    events: AuditFileEvents,
  ) {
    this.#path = path.resolve(file);
    this.#maxBytes = maxBytes;
    this.#maxAgeMs = maxAgeMs;
    this.#keep = keep;
    this.#events = events;
    writeFirst(this.#path, Buffer.from(first));
  }

  /** Whether the latest write has failed. */
  get broken(): boolean {
    return this.#broken;
  }

  /** @param line with its line break */
  write(line: string): void {
    this.#waiting.push(line);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#lost += 1;
    }
    if (this.#retry === undefined) this.#start();
  }

  /** Writes what waits, as far as that is possible. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#start();
    while (this.#writing !== undefined) await this.#writing;
    clearTimeout(this.#retry);
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #start(): void {
    this.#retry = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      // What came when the last batch was just through.
      if (this.#waiting.length > 0 && this.#retry === undefined) this.#start();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What has failed is tried line by line: there may be room for one.
      const lines = this.#waiting.splice(0, this.#broken ? 1 : MOST_WAITING);
      try {
        await this.#append(Buffer.from(lines.join("")));
      } catch (error) {
        this.#waiting = [...lines, ...this.#waiting];
        if (!this.#broken || this.#lost > 0) this.#events.onBroken(error, this.#lost);
        this.#broken = true;
        this.#lost = 0;
        this.#retry = setTimeout(() => this.#start(), RETRY_MS).unref();
        return;
      }
    }
    if (!this.#broken) return;
    this.#broken = false;
    this.#events.onMended();
  }

  async #append(bytes: Buffer): Promise<void> {
    await this.#reopen();
    const tooLarge = this.#size > 0 && this.#size + bytes.length > this.#maxBytes;
    if (tooLarge || (this.#size > 0 && Date.now() - this.#bornAt > this.#maxAgeMs)) await this.#rotate();
    const handle = this.#handle!;
    try {
      // A disk with room for a part of it takes that part, and says no error.
      for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done)).bytesWritten;
    } catch (error) {
      await handle.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Opens the file, and again where the name has become another file's. */
  async #reopen(): Promise<void> {
    if (this.#handle !== undefined) {
      const [own, there] = await Promise.all([this.#handle.stat(), stat(this.#path).catch(() => undefined)]);
      if (own.ino === there?.ino && own.dev === there.dev) return;
      await this.#handle.close();
      this.#handle = undefined;
    }
    const handle = await open(this.#path, "a", OWNER_ONLY);
    this.#handle = handle;
    const { size, birthtimeMs, ctimeMs } = await handle.stat();
    this.#size = size;
    this.#bornAt = birthtimeMs || ctimeMs;
  }

  async #rotate(): Promise<void> {
    await rename(this.#path, await this.#freeName());
    await this.#handle?.close();
    this.#handle = undefined;
    await this.#reopen();
    const { dir, base } = path.parse(this.#path);
    const rotated = (await readdir(dir)).filter((name) => name.startsWith(`${base}.`) && STAMP.test(name)).sort();
    for (const name of rotated.slice(0, Math.max(0, rotated.length - this.#keep))) await unlink(path.join(dir, name));
  }

  async #freeName(): Promise<string> {
    for (let at = Date.now(); ; at++) {
      const name = `${this.#path}.${new Date(at).toISOString().replaceAll(":", "-")}`;
      if ((await stat(name).catch(() => undefined)) === undefined) return name;
    }
  }
}

/** What ends the name of a file that was rotated: when. */
const STAMP = /\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

function writeFirst(file: string, bytes: Buffer): void {
  const handle = openSync(file, "a", OWNER_ONLY);
  try {
    const stats = fstatSync(handle);
    // A device has no mode to change; a file that was there before may have had another.
    if (stats.isFile()) fchmodSync(handle, OWNER_ONLY);
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(handle, bytes, done);
    } catch (error) {
      if (stats.isFile()) ftruncateSync(handle, stats.size);
      throw error;
    }
  } finally {
    closeSync(handle);
  }
}
