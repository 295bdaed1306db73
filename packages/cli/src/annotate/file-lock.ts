import { readFile, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import { isAlive } from "@medinfer/server/process-alive";
import { MedInferError } from "medinfer";
import { PRIVATE, unwritable } from "../private-file.js";
import { shortenPath } from "../shorten.js";

/** Keeps two processes from writing one file: `FILE.lock` holds the number of the one that does. */
export class FileLock {
  private constructor(readonly file: string) {}

  /**
   * Takes over the lock of a process that is gone, as one that was killed.
   *
   * @throws MedInferError (rejects) `INVALID_ARGUMENT` where another process has it, or it cannot be written
   */
  static async take(of: string): Promise<FileLock> {
    const file = `${of}.lock`;
    for (let tries = 0; tries < 3; tries++) {
      try {
        await writeFile(file, String(process.pid), { flag: "wx", mode: PRIVATE });
        return new FileLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(file, error);
      }
      const owner = Number(await readFile(file, "utf8").catch(() => ""));
      if (owner > 0 && owner !== process.pid && isAlive(owner)) break;
      await rm(file, { force: true });
    }
    const what = `another process writes ${shortenPath(of)}`;
    throw new MedInferError(
      "INVALID_ARGUMENT",
      `${what}: wait for it, or remove ${shortenPath(file)} if there is none`,
    );
  }

  release(): Promise<void> {
    return rm(this.file, { force: true });
  }
}
