/** Jobs on both kinds of queues, with workers of this process. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, test } from "vitest";

import {
  annotateJob,
  BatchError,
  deleteRun,
  digestAsk,
  listRuns,
  resultRows,
  retryFailed,
  rowId,
  status,
  work,
  type Compute,
  type Queue,
  type ResultRow,
  type RunStatus,
  type Source,
} from "../src/index.js";
import { openedQueue, temporaryFolder } from "./support/queues.js";

const ask = { prompt: "Which drugs are on it?", model: "none" };

/** Files, each with a text. */
function pages(folder: string, texts: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text);
  return folder;
}

function* filesIn(folder: string): Generator<Source> {
  for (const name of readdirSync(folder).sort()) yield { path: path.join(folder, name), id: name };
}

async function rowsOf(queue: Queue, run: string): Promise<ResultRow[]> {
  const rows: ResultRow[] = [];
  for await (const row of resultRows(queue, run)) rows.push(row);
  return rows;
}

describe.each(["postgres", "folder"] as const)("%s", (kind) => {
  const queue = openedQueue(kind);
  const folder = temporaryFolder();

  test("each input has one result; what failed is told by its code; a second run computes nothing", async () => {
    const place = pages(path.join(folder, "all"), {
      "1.txt": "one",
      "2.txt": "two",
      "2-again.txt": "two",
      "bad.txt": "bad",
      "busy.txt": "busy",
      "strange.txt": "strange",
    });
    let count = 0;
    let busy = 0;
    const compute: Compute = async (row, { attempt }) => {
      count += 1;
      const text = readFileSync(row.ref, "utf8");
      if (text === "bad") throw new BatchError("IMAGE_DECODE", "no image");
      if (text === "busy" && ++busy < 3) throw new BatchError("QUEUE_FULL", "full", { retryable: true });
      if (text === "strange") throw new Error("Anna Meier has gout");
      return { text, attempt, odd: "a\u0000b\ud800" };
    };
    const source = () => [...filesIn(place), { path: path.join(place, "missing.txt"), id: "missing" }];
    const seen: RunStatus[] = [];
    const onProgress = (each: RunStatus) => void seen.push(each);
    const report = await annotateJob({ queue: queue(), source: source(), ask, compute, slots: 2, onProgress });
    expect(report).toMatchObject({ inputs: 6, sources: 7, done: 3, failed: 3, quarantined: 0, complete: true });
    expect(report.codes).toEqual({ IMAGE_DECODE: 1, INTERNAL: 1, SOURCE_UNREADABLE: 1 });
    expect(count).toBe(7);
    expect(seen.length).toBeGreaterThan(0);
    const rows = await rowsOf(queue(), report.run);
    expect(JSON.stringify(rows)).not.toContain("Anna");
    const done = rows.filter(({ state }) => state === "done");
    expect(done.find(({ sources }) => sources.length === 2)?.sources.map(({ id }) => id)).toEqual([
      "2-again.txt",
      "2.txt",
    ]);
    // PostgreSQL holds no NUL, and no half of a pair.
    expect(done[0]?.value).toMatchObject({ odd: "a\ufffdb\ufffd" });
    expect(rows.find(({ value }) => (value as { text?: string } | null)?.text === "busy")).toMatchObject({
      errors: 2,
      kills: 0,
      attempt: 3,
    });
    const again = await annotateJob({ queue: queue(), source: source(), ask, compute, slots: 2 });
    expect(again).toMatchObject({ inputs: 6, done: 3, failed: 3, complete: true });
    expect(count).toBe(7);
  });

  test("failed rows are asked again when they are meant to be", async () => {
    const place = pages(path.join(folder, "retry"), { "a.txt": "retry a", "b.txt": "retry b" });
    let isBroken = true;
    const compute: Compute = (row) =>
      isBroken ? Promise.reject(new BatchError("IMAGE_DECODE", "no image")) : Promise.resolve(row.page);
    const job = { queue: queue(), ask, run: "retry", compute, slots: 2 };
    expect(await annotateJob({ ...job, source: filesIn(place) })).toMatchObject({ failed: 2, done: 0 });
    isBroken = false;
    expect(await annotateJob({ ...job, source: filesIn(place) })).toMatchObject({ failed: 2, done: 0 });
    expect(await retryFailed(queue(), "retry", { codes: ["ANSWER_CUT"] })).toBe(0);
    expect(await retryFailed(queue(), "retry")).toBe(2);
    expect((await status(queue(), "retry"))[0]).toMatchObject({ queued: 2, failed: 0 });
    expect(await annotateJob({ ...job, source: filesIn(place) })).toMatchObject({ failed: 0, done: 2 });
    await expect(retryFailed(queue(), "no-such-run")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  test("a row fails when its tries are over", async () => {
    const place = pages(path.join(folder, "tries"), { "a.txt": "tries" });
    let count = 0;
    const compute: Compute = () => {
      count += 1;
      return Promise.reject(new BatchError("QUEUE_FULL", "full", { retryable: true }));
    };
    const report = await annotateJob({
      queue: queue(),
      source: filesIn(place),
      ask,
      run: "tries",
      compute,
      maxAttempts: 2,
    });
    expect(report.codes).toEqual({ QUEUE_FULL: 1 });
    expect(count).toBe(2);
  });

  test("a document is a row for each page, and one that cannot be counted a failed one", async () => {
    const place = pages(path.join(folder, "documents"), { "a.pdf": "three", "b.pdf": "bad" });
    const asked: number[] = [];
    const report = await annotateJob({
      ...{ queue: queue(), source: filesIn(place), ask, run: "documents", slots: 1 },
      pagesOf: ({ id }) =>
        id === "a.pdf" ? Promise.resolve(3) : Promise.reject(new BatchError("BAD_DOCUMENT", "no PDF")),
      compute: (row) => {
        asked.push(row.page);
        return Promise.resolve(null);
      },
    });
    expect(report).toMatchObject({ inputs: 4, done: 3, failed: 1, codes: { BAD_DOCUMENT: 1 } });
    expect(asked.sort()).toEqual([1, 2, 3]);
  });

  test("a file that has changed is another row, and the one of before is given up", async () => {
    const place = pages(path.join(folder, "changed"), { "a.txt": "before", "b.txt": "same" });
    const job = {
      queue: queue(),
      ask,
      run: "changed",
      compute: (row: { ref: string }) => Promise.resolve(readFileSync(row.ref, "utf8")),
    };
    await annotateJob({ ...job, source: filesIn(place) });
    writeFileSync(path.join(place, "a.txt"), "after");
    const report = await annotateJob({ ...job, source: [...filesIn(place), { path: path.join(place, "c.txt") }] });
    expect(report).toMatchObject({ inputs: 3, sources: 3, done: 2, failed: 1 });
    const values = (await rowsOf(queue(), "changed")).map(({ value }) => value);
    expect(new Set(values)).toEqual(new Set(["after", "same", null]));
    // One that could not be read, and can now.
    writeFileSync(path.join(place, "c.txt"), "there");
    const last = await annotateJob({ ...job, source: filesIn(place) });
    expect(last).toMatchObject({ inputs: 3, sources: 3, done: 3, failed: 0 });
  });

  test("a job that is stopped gives its rows back, and goes on with the same call", async () => {
    const place = pages(
      path.join(folder, "stopped"),
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i}.txt`, `stopped ${i}`])),
    );
    const ended = new AbortController();
    const computed: string[] = [];
    const job = { queue: queue(), ask, run: "stopped", slots: 3, graceMs: 100 };
    const stopped = annotateJob({
      ...{ ...job, source: filesIn(place), signal: ended.signal },
      compute: async (row, { signal }) => {
        if (computed.length >= 4) {
          ended.abort();
          // Ends at once, as a native run does.
          await sleep(60_000, undefined, { signal });
        }
        computed.push(row.id);
        return null;
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    const [now] = await status(queue(), "stopped");
    expect(now).toMatchObject({ running: 0, done: 4, queued: 8 });
    const report = await annotateJob({
      ...{ ...job, source: filesIn(place) },
      compute: (row) => {
        computed.push(row.id);
        return Promise.resolve(null);
      },
    });
    expect(report).toMatchObject({ done: 12, complete: true });
    // Given back, not killed: none ran twice, none was counted.
    expect(new Set(computed).size).toBe(computed.length);
    expect((await rowsOf(queue(), "stopped")).every(({ kills, errors }) => kills === 0 && errors === 0)).toBe(true);
  });

  test("an error that is not one row's ends the worker, and no row fails with it", async () => {
    const place = pages(path.join(folder, "lost"), { "a.txt": "lost a", "b.txt": "lost b" });
    const compute: Compute = () => Promise.reject(new BatchError("BACKEND_LOST", "the GPU is gone"));
    const job = annotateJob({ queue: queue(), source: filesIn(place), ask, run: "lost", compute });
    await expect(job).rejects.toMatchObject({ code: "BACKEND_LOST" });
    expect((await status(queue(), "lost"))[0]).toMatchObject({ queued: 2, failed: 0, running: 0 });
  });

  test("a value that cannot be stored fails its row alone", async () => {
    const place = pages(path.join(folder, "values"), { "a.txt": "values", "b.txt": "big", "c.txt": "circle" });
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const report = await annotateJob({
      ...{ queue: queue(), source: filesIn(place), ask, run: "values", slots: 3 },
      compute: (row) => {
        const text = readFileSync(row.ref, "utf8");
        return Promise.resolve(text === "big" ? 1n : text === "circle" ? circle : text);
      },
    });
    expect(report).toMatchObject({ done: 1, failed: 2, codes: { VALUE_UNSTORABLE: 2 } });
  });

  test("a row that takes too long fails by name", async () => {
    const place = pages(path.join(folder, "slow"), { "a.txt": "slow" });
    const compute: Compute = (_row, { signal }) => sleep(60_000, undefined, { signal });
    const report = await annotateJob({
      queue: queue(),
      source: filesIn(place),
      ask,
      run: "slow",
      compute,
      rowTimeoutMs: 50,
    });
    expect(report.codes).toEqual({ ROW_TIMEOUT: 1 });
  });

  test("no more rows are claimed than there are slots", async () => {
    const texts = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.txt`, `slots ${i}`]));
    const place = pages(path.join(folder, "slots"), texts);
    let running = 0;
    let most = 0;
    let mostClaimed = 0;
    const report = await annotateJob({
      ...{ queue: queue(), source: filesIn(place), ask, run: "slots", slots: 4 },
      compute: async () => {
        running += 1;
        most = Math.max(most, running);
        await sleep(30);
        const [now] = await status(queue(), "slots");
        mostClaimed = Math.max(mostClaimed, now!.running);
        running -= 1;
        return null;
      },
    });
    expect(report.done).toBe(30);
    expect(most).toBe(4);
    // Beside those that run, those whose results are just being written.
    expect(mostClaimed).toBeLessThanOrEqual(8);
  });

  test("jobs hold no text and no path; runs are listed and deleted", async () => {
    const place = pages(path.join(folder, "Anna Meier"), { "a.txt": "Anna" });
    const compute: Compute = () => Promise.resolve("Anna has gout");
    await annotateJob({ queue: queue(), source: filesIn(place), ask, run: "private", compute: undefined, wait: false });
    const { database, schema } = queue();
    const jobs = await database.query<{ data: object }>(`SELECT data FROM ${schema}.job WHERE name LIKE 'private.%'`);
    expect(jobs).toHaveLength(1);
    expect(Object.keys(jobs[0]!.data).sort()).toEqual(["row", "turn"]);
    await annotateJob({ queue: queue(), source: [], ask, run: "private", compute });
    expect((await listRuns(queue())).map(({ id }) => id)).toContain("private");
    await deleteRun(queue(), "private");
    expect((await listRuns(queue())).map(({ id }) => id)).not.toContain("private");
    for (const table of ["rows", "sources", "results"]) {
      expect(await database.query(`SELECT 1 FROM ${schema}.${table} WHERE run = 'private'`)).toEqual([]);
    }
  });

  test("a run asks the same of all its rows, and options are checked", async () => {
    const source: Source[] = [];
    await annotateJob({ queue: queue(), source, ask, run: "same" });
    const other = annotateJob({ queue: queue(), source, ask: { ...ask, prompt: "Else?" }, run: "same" });
    await expect(other).rejects.toMatchObject({ code: "RUN_MISMATCH" });
    await expect(annotateJob({ queue: queue(), source, ask, run: "a/b" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(annotateJob({ queue: queue(), source, ask, maxAttempts: 0 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(annotateJob({ queue: queue(), source: [{}], ask })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(work({ queue: queue(), compute: () => Promise.resolve(1), slots: 0 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("workers take what they accept, and runs take turns", async () => {
    const order: string[] = [];
    for (const run of ["left", "right", "foreign"]) {
      const place = pages(
        path.join(folder, run),
        Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${i}`, `${run} ${i}`])),
      );
      const model = run === "foreign" ? "other" : "none";
      await annotateJob({
        queue: queue(),
        source: filesIn(place),
        ask: { ...ask, model, prompt: run },
        run,
        wait: false,
      });
    }
    const ended = new AbortController();
    await work({
      ...{ queue: queue(), slots: 1, signal: ended.signal },
      accepts: ({ id, ask: { model } }) => model === "none" && ["left", "right"].includes(id),
      compute: (row) => {
        order.push(row.run);
        if (order.length === 10) ended.abort();
        return Promise.resolve(null);
      },
    });
    expect(order.filter((run) => run === "left")).toHaveLength(5);
    expect(new Set(order.slice(0, 4)).size).toBe(2);
    expect((await status(queue(), "foreign"))[0]).toMatchObject({ queued: 5 });
  });
});

test("a row's id is of its bytes, its page and all that is asked", () => {
  const asked = digestAsk({ prompt: "a", options: { x: 1, y: [1, { b: 1, a: 2 }] } });
  expect(digestAsk({ options: { y: [1, { a: 2, b: 1 }], x: 1 }, prompt: "a" })).toBe(asked);
  expect(digestAsk({ prompt: "b", options: { x: 1, y: [1, { b: 1, a: 2 }] } })).not.toBe(asked);
  const ids = [
    rowId("00", 1, asked),
    rowId("00", 2, asked),
    rowId("01", 1, asked),
    rowId("00", 1, digestAsk({ prompt: "a" })),
  ];
  expect(new Set(ids).size).toBe(4);
});
