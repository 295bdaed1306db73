/** Changes to a file of keys, each written whole or not at all. */
import { randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { MedInferError } from "medinfer";
import { parseKeys, readKeys, type KeyEntry, type KeyFile } from "./key-file.js";
import { digestOf } from "./key-ring.js";

/** What is known of a new key: everything but the key. */
export type NewKey = Omit<KeyEntry, "sha256">;

/**
 * Adds a key to a file, which is made where there is none, for its owner alone. Beside a client certificate it makes none:
 * the certificate is the key.
 *
 * @returns the key, which stands nowhere else
 * @throws MedInferError `INVALID_ARGUMENT` where the file or the new entry is wrong, e.g. has a name that is taken
 */
export function addKey(file: string, entry: NewKey): string | undefined {
  const before: KeyFile = existsSync(file) ? readKeys(file) : { keys: [], tenants: {} };
  const key = entry.certificate === undefined ? `mi-${randomBytes(32).toString("base64url")}` : undefined;
  const added: KeyEntry = key === undefined ? entry : { ...entry, sha256: digestOf(key).toString("hex") };
  write(file, { ...before, keys: [...before.keys, added] });
  return key;
}

/** @throws MedInferError `INVALID_ARGUMENT`, also where no key has that name */
export function revokeKey(file: string, name: string): void {
  const before = readKeys(file);
  const keys = before.keys.filter((key) => key.name !== name);
  if (keys.length === before.keys.length) {
    throw new MedInferError("INVALID_ARGUMENT", "no key of the file has that name: medinfer keys list shows them");
  }
  write(file, { ...before, keys });
}

function write(file: string, content: KeyFile): void {
  const text = `${JSON.stringify(content, undefined, 2)}\n`;
  parseKeys(text, file);
  const before = statSync(file, { throwIfNoEntry: false });
  // Behind a link is the file that is meant.
  const target = before === undefined ? file : realpathSync(file);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.new`;
  try {
    const handle = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(handle, text);
      // The server may run as another user.
      if (before !== undefined) fchmodSync(handle, before.mode & 0o777);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (before !== undefined) keepOwner(temporary, before);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new MedInferError("INVALID_ARGUMENT", `the keys file cannot be written (${code}): check its folder`);
  }
}

function keepOwner(file: string, { uid, gid }: { uid: number; gid: number }): void {
  try {
    chownSync(file, uid, gid);
  } catch {
    // Only an administrator may give files away; then it is the caller's own, as with any editor.
  }
}
