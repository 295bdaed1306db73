/** Files of keys, in folders that go when the tests of the file end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll } from "vitest";

import { addKey, type NewKey } from "@medinfer/server";

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-server-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns the new key */
export function keyOf(file: string, name: string, entry: Partial<NewKey> = {}): string {
  return addKey(file, { name, tenant: name, roles: ["user"], ...entry })!;
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
