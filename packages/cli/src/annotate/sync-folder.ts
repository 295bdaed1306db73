import { open } from "node:fs/promises";
import path from "node:path";

/** So that a file's name is on the disk as well. */
export async function syncFolderOf(file: string): Promise<void> {
  try {
    const handle = await open(path.dirname(file));
    await handle.sync().finally(() => handle.close());
  } catch {
    // Not every system syncs folders.
  }
}
