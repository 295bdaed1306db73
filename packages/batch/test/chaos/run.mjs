/**
 * The full trial: node packages/batch/test/chaos/run.mjs [--queue postgres|folder] [--rows 2000] [--ms 40] [--slots 4]
 *
 * PostgreSQL: three workers, one of them killed every 1.5 s, one crash stop of the server. A folder: one process, killed after
 * 4 s of computing, as each life begins with opening the folder and going through all sources. Ends with 1 where anything is lost,
 * told twice or computed too often.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";

import { startPostgres } from "../../../../test/support/postgres.mjs";
import { chaos, wrongs } from "./chaos.mjs";

const { values } = parseArgs({
  options: {
    queue: { type: "string", default: "postgres" },
    rows: { type: "string", default: "2000" },
    ms: { type: "string", default: "40" },
    slots: { type: "string", default: "4" },
    lease: { type: "string", default: "5" },
    kill: { type: "string" },
  },
});
const isServer = values.queue === "postgres";
const server = isServer ? await startPostgres() : undefined;
const folder = isServer ? undefined : mkdtempSync(path.join(tmpdir(), "medinfer-queue-"));
try {
  const plan = {
    url: isServer ? server.url() : `dir:${folder}`,
    rows: Number(values.rows),
    workers: isServer ? 3 : 0,
    slots: Number(values.slots),
    ms: Number(values.ms),
    killMs: Number(values.kill ?? (isServer ? 1500 : 4000)),
    leaseSeconds: Number(values.lease),
    maxKills: 10,
    log: (line) => console.error(line),
    ...(isServer
      ? {
          crash: async () => {
            await server.stop("immediate");
            await server.start();
          },
        }
      : {}),
  };
  const seen = await chaos(plan);
  const wrong = wrongs(plan, seen);
  console.log(JSON.stringify({ ...seen, wrong }, null, 2));
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await server?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
