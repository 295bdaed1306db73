import { open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** Only the server's own account reads what it stores. */
export const OWNER_FILE = 0o600;
export const OWNER_FOLDER = 0o700;

/** What a file is called until it is whole. */
export const PART = ".part";

/** Writes a file whole or not at all, whenever the process or the machine ends. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}${PART}`;
  const handle = await open(part, "w", OWNER_FILE);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await moveInto(part, file);
}

/** Gives a file that is whole and synced its name, for good. */
export async function moveInto(part: string, file: string): Promise<void> {
  await rename(part, file);
  // The name is in the folder: Windows syncs it by itself, and opens no folders.
  if (process.platform === "win32") return;
  const folder = await open(path.dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export const remove = (file: string) => rm(file, { force: true });
