/** Any order of what may happen to rows, on a real database: nothing is lost, nothing is told twice. */
import fc from "fast-check";
import { expect, test } from "vitest";

import type { Queue } from "../src/index.js";
import { addRows } from "../src/manifest/add-rows.js";
import { claim, renew, type ClaimedRow } from "../src/manifest/claim.js";
import { reconcile, unfinished } from "../src/manifest/reconcile.js";
import { beginRun } from "../src/manifest/runs.js";
import { nextState, settle, withinLimits, type Outcome } from "../src/manifest/settle.js";
import { takeOverAll } from "../src/manifest/take-over.js";
import { openedQueue } from "./support/queues.js";

const queue = openedQueue("postgres");
const ROWS = 4;
const limits = { maxAttempts: 3, maxKills: 3 };
let count = 0;

type Step =
  | { kind: "claim"; lane: "shared" | "alone"; count: number }
  | { kind: "settle"; of: number; outcome: "done" | "failed" | "retry" | "killed" | "back"; twice: boolean }
  /** All workers are silent: what runs is taken over, and may still come back. */
  | { kind: "silence" }
  /** Somebody deletes jobs, or marks them completed: the queue is a hint. */
  | { kind: "lose-jobs" }
  | { kind: "complete-jobs" }
  | { kind: "reconcile" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      lane: fc.constantFrom("shared", "alone"),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      of: fc.nat(20),
      outcome: fc.constantFrom("done", "failed", "retry", "killed", "back"),
      twice: fc.boolean(),
    }),
  },
  fc.constantFrom<Step>({ kind: "silence" }, { kind: "lose-jobs" }, { kind: "complete-jobs" }, { kind: "reconcile" }),
) as fc.Arbitrary<Step>;

function outcomeOf(kind: Extract<Step, { kind: "settle" }>["outcome"], row: ClaimedRow): Outcome {
  switch (kind) {
    case "done":
      return { kind, value: { attempt: row.attempt }, ms: 1 };
    case "failed":
      return { kind, code: "IMAGE_DECODE", message: "no image", ms: 1 };
    case "retry":
      return withinLimits(row, { kind, code: "QUEUE_FULL", seconds: 0 }, limits);
    case "killed":
      return withinLimits(row, { kind }, limits);
    case "back":
      return { kind };
  }
}

interface Stored {
  row: string;
  attempt: number;
  state: string;
  value: unknown;
}

async function storedOf({ database, schema }: Queue, run: string): Promise<Map<string, Stored>> {
  const rows = await database.query<Stored>(`SELECT row, attempt, state, value FROM ${schema}.results WHERE run = $1`, [
    run,
  ]);
  return new Map(rows.map((each) => [each.row, each]));
}

async function begin(): Promise<string> {
  const run = `machine-${++count}`;
  await beginRun(queue(), { id: run, ask: { prompt: "?" }, ...limits });
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    ...{ row: `${i}`.repeat(64), ref: `/pages/${i}`, page: 1, sha256: "0".repeat(64) },
    ...{ name: undefined, failure: undefined },
  }));
  expect(await addRows(queue(), run, rows)).toBe(ROWS);
  expect(await addRows(queue(), run, rows)).toBe(0);
  return run;
}

const who = { worker: "w", host: "h" };

test("after any steps each row ends with one result that never changes", { timeout: 120_000 }, async () => {
  const { database, schema } = queue();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const run = await begin();
      const claimed: ClaimedRow[] = [];
      let before = new Map<string, Stored>();
      for (const each of steps) {
        if (each.kind === "claim") {
          const rows = await claim(queue(), { run, lane: each.lane, count: each.count }, who);
          expect(rows.length).toBeLessThanOrEqual(each.lane === "alone" ? 1 : each.count);
          // Nobody claims what has a result.
          for (const row of rows) expect(before.has(row.id)).toBe(false);
          claimed.push(...rows);
        } else if (each.kind === "settle" && claimed.length > 0) {
          // Any claim, also one that was settled, or taken over by others long ago.
          const row = claimed[each.of % claimed.length]!;
          const settled = [{ row, outcome: outcomeOf(each.outcome, row) }];
          await settle(queue(), settled);
          if (each.twice) await settle(queue(), settled);
        } else if (each.kind === "silence") await takeOverAll(queue());
        else if (each.kind === "lose-jobs")
          await database.query(`DELETE FROM ${schema}.job WHERE name LIKE $1`, [`${run}.%`]);
        else if (each.kind === "complete-jobs")
          await database.query(`UPDATE ${schema}.job SET state = 'completed' WHERE name LIKE $1`, [`${run}.%`]);
        else if (each.kind === "reconcile") await reconcile(queue(), run);
        const now = await storedOf(queue(), run);
        for (const [row, result] of before) expect(now.get(row)).toEqual(result);
        before = now;
      }
      await finish(run);
      const results = await storedOf(queue(), run);
      for (const [row, result] of before) expect(results.get(row)).toEqual(result);
      expect(results.size).toBe(ROWS);
      expect(await unfinished(queue(), run)).toBe(0);
      const rows = await database.query<{ id: string; state: string; attempt: number; errors: number; kills: number }>(
        `SELECT id, state, attempt, errors, kills FROM ${schema}.rows WHERE run = $1`,
        [run],
      );
      for (const { id, state, attempt, errors, kills } of rows) {
        const result = results.get(id)!;
        // The fence: the result is of an attempt that was made, and says so.
        expect(result.state).toBe(state);
        expect(result.attempt).toBe(attempt);
        if (state === "done") expect(result.value).toEqual({ attempt });
        expect(errors).toBeLessThanOrEqual(limits.maxAttempts);
        expect(kills).toBeLessThanOrEqual(limits.maxKills);
        if (state === "quarantined") expect(kills).toBe(limits.maxKills);
      }
    }),
    { numRuns: 60 },
  );
});

/** As an orderly worker would, and the reconciler. */
async function finish(run: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    await takeOverAll(queue());
    await reconcile(queue(), run);
    const rows = [
      ...(await claim(queue(), { run, lane: "alone", count: 1 }, who)),
      ...(await claim(queue(), { run, lane: "shared", count: 10 }, who)),
    ];
    await settle(
      queue(),
      rows.map((row) => ({ row, outcome: outcomeOf("done", row) })),
    );
    if ((await unfinished(queue(), run)) === 0) return;
  }
  throw new Error("it does not end");
}

test("two that claim at once never have the same row", async () => {
  const run = await begin();
  const claims = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      claim(queue(), { run, lane: "shared", count: 2 }, { worker: `w${i}`, host: "h" }),
    ),
  );
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBe(ROWS);
});

test("one row of a host runs alone at a time", async () => {
  const run = await begin();
  await claim(queue(), { run, lane: "shared", count: ROWS }, who);
  await takeOverAll(queue());
  const on = (host: string) => claim(queue(), { run, lane: "alone", count: 3 }, { worker: host, host });
  expect(await on("a")).toHaveLength(1);
  expect(await on("a")).toHaveLength(0);
  expect(await on("b")).toHaveLength(1);
});

test("a worker that was taken over is told so, and its result is dropped", async () => {
  const run = await begin();
  const [row] = await claim(queue(), { run, lane: "shared", count: 1 }, who);
  expect(await renew(queue(), [row!])).toEqual([]);
  await takeOverAll(queue());
  expect(await renew(queue(), [row!])).toEqual([row]);
  const [again] = await claim(queue(), { run, lane: "alone", count: 1 }, { worker: "other", host: "h" });
  expect(again!.id).toBe(row!.id);
  expect(again!.attempt).toBe(row!.attempt + 1);
  // The first one comes late.
  expect((await settle(queue(), [{ row: row!, outcome: outcomeOf("done", row!) }])).size).toBe(0);
  expect((await settle(queue(), [{ row: again!, outcome: outcomeOf("done", again!) }])).size).toBe(1);
  // A commit whose answer was lost is asked again, and is stored.
  expect((await settle(queue(), [{ row: again!, outcome: outcomeOf("done", again!) }])).size).toBe(1);
  expect((await storedOf(queue(), run)).get(row!.id)!.attempt).toBe(again!.attempt);
});

test("where a job is not the attempt's, nothing is stored, and the row comes again", async () => {
  const { database, schema } = queue();
  const run = await begin();
  const rows = await claim(queue(), { run, lane: "shared", count: 2 }, who);
  await database.query(`DELETE FROM ${schema}.job WHERE id = $1`, [rows[0]!.job]);
  const stored = await settle(
    queue(),
    rows.map((row) => ({ row, outcome: outcomeOf("done", row) })),
  );
  expect([...stored].map(({ id }) => id)).toEqual([rows[1]!.id]);
  const later = await claim(queue(), { run, lane: "shared", count: 10 }, who);
  expect(later.map(({ id }) => id)).toContain(rows[0]!.id);
});

test("errors and kills are counted apart", () => {
  const row = {
    run: "r",
    id: "1",
    ref: "",
    page: 1,
    sha256: null,
    attempt: 7,
    turn: 3,
    errors: 1,
    kills: 1,
    lane: "shared",
    job: "j",
  } as const;
  expect(nextState(row, { kind: "retry", code: "QUEUE_FULL", seconds: 1 })).toMatchObject({
    state: "queued",
    errors: 2,
    kills: 1,
    turn: 4,
    lane: "shared",
  });
  expect(nextState(row, { kind: "killed" })).toMatchObject({
    state: "queued",
    errors: 1,
    kills: 2,
    turn: 4,
    lane: "alone",
  });
  expect(nextState(row, { kind: "back" })).toMatchObject({ state: "queued", errors: 1, kills: 1, turn: 4 });
  expect(withinLimits(row, { kind: "killed" }, { maxAttempts: 2, maxKills: 2 })).toMatchObject({
    kind: "quarantined",
    code: "WORKER_ENDED",
  });
  expect(
    withinLimits(row, { kind: "retry", code: "QUEUE_FULL", seconds: 1 }, { maxAttempts: 2, maxKills: 2 }),
  ).toMatchObject({ kind: "failed", code: "QUEUE_FULL" });
});
