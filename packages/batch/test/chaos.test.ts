/** A small form of the trial of chaos/run.mjs: processes that are killed, a server that crashes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, test } from "vitest";

import { chaos, wrongs } from "./chaos/chaos.mjs";
import { startPostgres } from "../../../test/support/postgres.mjs";

const shared = { slots: 4, leaseSeconds: 3, maxKills: 3, log: () => {} };

test("PostgreSQL: three workers, kills, a crash of the server: nothing lost, nothing told twice", async () => {
  const server = await startPostgres();
  try {
    const crash = async () => {
      await server.stop("immediate");
      await server.start();
    };
    const plan = { ...shared, url: server.url(), rows: 200, workers: 3, ms: 60, killMs: 1500, mostKills: 4, crash };
    const seen = await chaos(plan);
    expect(wrongs(plan, seen)).toEqual([]);
    expect(seen.kills).toBeGreaterThan(0);
  } finally {
    await server.remove();
  }
});

test("a folder: one process that is killed: nothing lost, nothing told twice", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-chaos-"));
  try {
    const plan = { ...shared, url: `dir:${folder}`, rows: 80, workers: 0, ms: 60, killMs: 800, mostKills: 2 };
    const seen = await chaos(plan);
    expect(wrongs(plan, seen)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
