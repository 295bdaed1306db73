import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import process from "node:process";
import { BatchError } from "../errors.js";

/** So often an owner says that it lives, to hosts that cannot see its process. */
const BEAT_MS = 15_000;
/** An owner on another host that was silent for so long is gone. */
const SILENT_MS = 4 * BEAT_MS;
const TRIES = 5;

interface Owner {
  id: string;
  pid: number;
  host: string;
  /** When the process began, in the system's own words: a number is given to another process some day. */
  began: string;
}

/** Keeps two processes from opening one folder: `queue.lock` in it says which one has it. */
export class FolderLock {
  readonly #file: string;
  readonly #id = randomUUID();
  readonly #beat: NodeJS.Timeout;

  /**
   * Takes over the lock of a process that is gone, as one that was killed.
   *
   * @throws BatchError `QUEUE_IN_USE` where another process has it
   */
  constructor(folder: string) {
    this.#file = path.join(folder, "queue.lock");
    this.#take({ id: this.#id, pid: process.pid, host: hostname(), began: beganOf(process.pid) });
    this.#beat = setInterval(() => this.#sayAlive(), BEAT_MS).unref();
  }

  release(): void {
    clearInterval(this.#beat);
    if (readOwner(this.#file)?.id === this.#id) rmSync(this.#file, { force: true });
  }

  #take(owner: Owner): void {
    // Written whole before it has its name: an empty lock would be taken for one of a process that is gone.
    const whole = `${this.#file}.${this.#id}`;
    writeFileSync(whole, JSON.stringify(owner), { mode: 0o600 });
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        try {
          linkSync(whole, this.#file);
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        }
        const before = readOwner(this.#file);
        if (before !== undefined && isThere(before, this.#file)) throw inUse(before, this.#file);
        this.#remove(before?.id);
      }
    } finally {
      rmSync(whole, { force: true });
    }
    throw inUse(readOwner(this.#file), this.#file);
  }

  /** Only that lock: another process may have taken over meanwhile, and what is moved away by mistake comes back. */
  #remove(id: string | undefined): void {
    const aside = `${this.#file}.${this.#id}.aside`;
    try {
      renameSync(this.#file, aside);
      if (readOwner(aside)?.id !== id) linkSync(aside, this.#file);
    } catch {
      // Somebody else removed it, or has a new one.
    }
    rmSync(aside, { force: true });
  }

  #sayAlive(): void {
    try {
      const now = new Date();
      utimesSync(this.#file, now, now);
    } catch {
      // It was removed by hand: nothing keeps others away any more.
    }
  }
}

function inUse(owner: Owner | undefined, file: string): BatchError {
  const who = owner === undefined ? "another process" : `process ${owner.pid} on ${owner.host}`;
  const what = "a folder is for one process at a time, so wait for it, or use a queue in PostgreSQL";
  return new BatchError(
    "QUEUE_IN_USE",
    `${who} has this queue: ${what} (if there is no such process, remove ${path.basename(file)})`,
  );
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

function isThere({ pid, host, began }: Owner, file: string): boolean {
  try {
    if (host !== hostname()) return Date.now() - statSync(file).mtimeMs < SILENT_MS;
    return isAlive(pid) && beganOf(pid) === began;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Linux says it in clock ticks since the machine began, field 22 of proc(5)'s stat; elsewhere the number alone counts. */
function beganOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold any character.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A process that has ended, and whose parent has not asked how, is gone.
    return state === "Z" || state === "X" ? "ended" : (rest[18] ?? "");
  } catch {
    return "";
  }
}
