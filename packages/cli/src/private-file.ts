/** Files that hold what was said: nobody but their owner may read them. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { MedInferError } from "medinfer";
import { shortenPath } from "./shorten.js";

/** Only the owner reads and writes. */
export const PRIVATE = 0o600;
export const PRIVATE_FOLDER = 0o700;

/**
 * Writes a file that is whole or not there.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it cannot be written
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const handle = await open(partial, "wx", PRIVATE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw unwritable(file, error);
  }
}

export function unwritable(file: string, error: unknown): MedInferError {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  return new MedInferError("INVALID_ARGUMENT", `${shortenPath(file)} cannot be written (${code}): check the path`);
}
