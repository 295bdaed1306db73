import { open, realpath, rename, rm, type FileHandle } from "node:fs/promises";
import { PRIVATE, unwritable } from "../private-file.js";
import { syncFolderOf } from "./sync-folder.js";

/** A part of a file, in bytes: from `begin` to before `end`. */
interface Part {
  begin: number;
  end: number;
}

const BLOCK = 1 << 20;

/** What a table is written to that is about to take another's place. A process that was killed may have left it behind. */
export function nextOf(file: string): string {
  return `${file}.next`;
}

/**
 * Puts a file without some of its lines in the place of the file, in one step: whoever looks, and whoever is killed, finds the
 * one or the other, whole and on the disk.
 *
 * @param handle the file, open for reading
 * @param parts whole lines, in their order
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it cannot be written; the file is then as it was
 */
export async function writeWithout(file: string, handle: FileHandle, parts: readonly Part[]): Promise<void> {
  // What is replaced is the file, not a link to it.
  const target = await realpath(file);
  const next = nextOf(target);
  try {
    const { size, mode, uid, gid } = await handle.stat();
    const to = await open(next, "w", PRIVATE);
    try {
      // Whose it was, and who could read it; where that is not ours to give, it is ours.
      await to.chown(uid, gid).catch(() => {});
      await to.chmod(mode & 0o777);
      let begin = 0;
      for (const part of [...parts, { begin: size, end: size }]) {
        await copy(handle, to, { begin, end: part.begin });
        begin = part.end;
      }
      await to.sync();
    } finally {
      await to.close();
    }
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw unwritable(file, error);
  }
  await syncFolderOf(target);
}

async function copy(from: FileHandle, to: FileHandle, { begin, end }: Part): Promise<void> {
  const buffer = Buffer.alloc(Math.min(BLOCK, end - begin));
  for (let position = begin; position < end;) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) throw new Error("the file has become shorter");
    await to.appendFile(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
