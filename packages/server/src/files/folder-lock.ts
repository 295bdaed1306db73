import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import process from "node:process";
import { MedInferError } from "medinfer";
import { isAlive } from "../process-alive.js";
import { OWNER_FILE, OWNER_FOLDER } from "./atomic.js";

/** So often an owner says that it lives, to hosts that cannot see its process. */
const BEAT_MS = 15_000;
/** An owner of another host that was silent for so long is gone. */
const SILENT_MS = 4 * BEAT_MS;
const TRIES = 3;

interface Owner {
  pid: number;
  host: string;
  id: string;
}

/** Of this process. */
const held = new Set<string>();

/** Keeps two servers from using one folder: `server.lock` in it says which one does. */
export class FolderLock {
  readonly #file: string;
  readonly #id = randomUUID();
  readonly #beat: NodeJS.Timeout;

  /**
   * Takes the folder, which is made where it is missing. The lock of a server that is gone, as one that was killed, is taken
   * over.
   *
   * @throws MedInferError `INVALID_ARGUMENT` where another server has it, or it cannot be written
   */
  constructor(folder: string) {
    this.#file = path.resolve(folder, "server.lock");
    const owner: Owner = { pid: process.pid, host: hostname(), id: this.#id };
    try {
      mkdirSync(folder, { recursive: true, mode: OWNER_FOLDER });
      this.#take(JSON.stringify(owner));
    } catch (error) {
      if (error instanceof MedInferError) throw error;
      const { code = "unknown" } = error as NodeJS.ErrnoException;
      throw new MedInferError(
        "INVALID_ARGUMENT",
        `filesFolder: it cannot be written (${code}): check its path and rights`,
      );
    }
    held.add(this.#id);
    this.#beat = setInterval(() => this.#sayAlive(), BEAT_MS).unref();
  }

  release(): void {
    clearInterval(this.#beat);
    if (!held.delete(this.#id)) return;
    // Somebody who took it for ours, gone, may have it now.
    if (readOwner(this.#file)?.id === this.#id) rmSync(this.#file, { force: true });
  }

  #take(owner: string): void {
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        writeFileSync(this.#file, owner, { flag: "wx", mode: OWNER_FILE });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const before = readOwner(this.#file);
      if (before !== undefined && isThere(before, this.#file)) break;
      this.#removeLockOf(before?.id);
    }
    throw new MedInferError(
      "INVALID_ARGUMENT",
      "filesFolder: another server has this folder: give each its own, or remove the file server.lock in it if there is none",
    );
  }

  /** Only that lock: another server may have taken over meanwhile, and what is moved away by mistake comes back. */
  #removeLockOf(id: string | undefined): void {
    const aside = `${this.#file}.${this.#id}`;
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

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

function isThere({ pid, host, id }: Owner, file: string): boolean {
  if (host !== hostname()) return Date.now() - statSync(file).mtimeMs < SILENT_MS;
  // A server in a container has the number of the one before it.
  return pid === process.pid ? held.has(id) : isAlive(pid);
}
