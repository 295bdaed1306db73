/** Workers: claims that are lost, rows that run alone, child processes, restarts. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { annotateJob, openQueue, resultRows, status, work, type Compute, type WorkerEvent } from "@medinfer/batch";
import { postgresServer, temporaryFolder } from "./support/queues.js";

const server = postgresServer();
const folder = temporaryFolder();
const ask = { prompt: "?", model: "none" };
let count = 0;

/** A run of so many rows, queued and not computed. */
async function queued(rows: number) {
  const queue = await openQueue(server().url(), { leaseSeconds: 3 });
  const run = `worker-${++count}`;
  const source = Array.from({ length: rows }, (_, i) => {
    const file = path.join(folder, `${run}-${i}.txt`);
    writeFileSync(file, `${run} ${i}`);
    return { path: file };
  });
  await annotateJob({ queue, source, ask, run, wait: false });
  const kill = async () => {
    // As a worker would leave them that was killed long ago.
    await queue.database.query(
      `UPDATE medinfer.rows SET lease_until = '2000-01-01' WHERE run = $1 AND state = 'running'`,
      [run],
    );
  };
  return { queue, run, kill };
}

test("a row that others took over is ended here, and nothing of it is kept", async () => {
  const { queue, run } = await queued(1);
  const ended = new AbortController();
  const events: WorkerEvent["kind"][] = [];
  let attempts = 0;
  const compute: Compute = async (_row, { signal, attempt }) => {
    attempts += 1;
    if (attempts > 1) return attempt;
    await queue.database.query(`UPDATE medinfer.rows SET attempt = attempt + 1 WHERE run = $1`, [run]);
    await sleep(60_000, undefined, { signal });
  };
  const worker = work({
    queue,
    run,
    compute,
    slots: 1,
    signal: ended.signal,
    onEvent: ({ kind }) => void events.push(kind),
  });
  await annotateJob({ queue, source: [], ask, run });
  ended.abort();
  await worker;
  expect(events).toContain("claim-lost");
  for await (const row of resultRows(queue, run))
    expect(row).toMatchObject({ state: "done", value: 3, attempt: 3, kills: 1 });
  await queue.close();
});

test("without a child process, rows that came back run with no other beside them", async () => {
  const { queue, run, kill } = await queued(12);
  const first = new AbortController();
  const started: string[] = [];
  const dead = work({
    ...{ queue, run, slots: 4, graceMs: 60_000, signal: first.signal },
    compute: async (row) => {
      started.push(row.id);
      await new Promise(() => {});
    },
  });
  dead.catch(() => {});
  while (started.length < 4) await sleep(10);
  await queue.database.query(
    `UPDATE medinfer.rows SET worker = NULL, attempt = attempt + 1 WHERE run = $1 AND state = 'running'`,
    [run],
  );
  first.abort();
  await kill();
  let running = 0;
  let beside = 0;
  const alone = new Set(started);
  const report = await annotateJob({
    ...{ queue, source: [], ask, run, slots: 4 },
    compute: async (row) => {
      running += 1;
      await sleep(20);
      if (alone.has(row.id) && running > 1) beside += 1;
      running -= 1;
      return null;
    },
  });
  expect(report).toMatchObject({ done: 12 });
  expect(beside).toBe(0);
  await queue.close();
});

test("a module that cannot be loaded is nobody's row's fault", async () => {
  const { queue, run, kill } = await queued(1);
  await queue.database.query(`UPDATE medinfer.rows SET state = 'running', attempt = 1 WHERE run = $1`, [run]);
  await queue.database.query(`UPDATE medinfer.job SET state = 'active' WHERE name = $1`, [`${run}.shared`]);
  await kill();
  const module = path.join(folder, "broken.mjs");
  writeFileSync(module, "process.exit(3);");
  const worker = work({ queue, run, slots: 1, compute: () => Promise.resolve(1), quarantine: { module } });
  await expect(worker).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect((await status(queue, run))[0]).toMatchObject({ queued: 1, quarantined: 0 });
  writeFileSync(
    module,
    "export const createCompute = (data) => (row, { attempt }) => Promise.resolve({ data, attempt });",
  );
  const quarantine = { module, data: { a: 1 } };
  const compute: Compute = () => Promise.reject(new Error("not here"));
  expect(await annotateJob({ queue, source: [], ask, run, compute, quarantine })).toMatchObject({ done: 1 });
  for await (const row of resultRows(queue, run)) expect(row.value).toMatchObject({ data: { a: 1 } });
  await queue.close();
});

test("a server that is restarted in mid-run costs time, and no row", async () => {
  const { queue, run } = await queued(40);
  const computed: string[] = [];
  const job = annotateJob({
    ...{ queue, source: [], ask, run, slots: 4 },
    compute: async (row) => {
      await sleep(50);
      computed.push(row.id);
      return readFileSync(row.ref, "utf8");
    },
  });
  while (computed.length < 8) await sleep(10);
  await server().stop("immediate");
  await sleep(500);
  await server().start();
  expect(await job).toMatchObject({ done: 40, failed: 0, complete: true });
  // Nobody was taken for dead: rows that were computed meanwhile are kept, and none runs twice.
  expect(computed).toHaveLength(40);
  for await (const { kills } of resultRows(queue, run)) expect(kills).toBe(0);
  await queue.close();
});
