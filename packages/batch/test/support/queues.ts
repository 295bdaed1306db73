/** Queues of both kinds, each for the tests of a file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll } from "vitest";

import { openQueue } from "../../src/index.js";
import type { Queue } from "../../src/index.js";
import { startPostgres } from "../../../../test/support/postgres.mjs";

/** A folder of the test's own. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-batch-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Server = Awaited<ReturnType<typeof startPostgres>>;

/** A PostgreSQL server for the tests of a file. */
export function postgresServer(): () => Server {
  let server: Server;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  return () => server;
}

/** A queue that is open for the tests of a file. */
export function openedQueue(kind: "postgres" | "folder"): () => Queue {
  let queue: Queue;
  const server = kind === "postgres" ? postgresServer() : undefined;
  const folder = kind === "folder" ? temporaryFolder() : undefined;
  beforeAll(async () => {
    queue = await openQueue(server?.().url() ?? `dir:${folder}`, { leaseSeconds: 3 });
  });
  afterAll(() => queue?.close());
  return () => queue;
}
