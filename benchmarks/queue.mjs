import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { annotateJob, openQueue } from "../packages/batch/dist/index.js";
import { startPostgres } from "../test/support/postgres.mjs";
import { median, round } from "./lib/stats.mjs";
import { markdown } from "./lib/targets.mjs";

export const about =
  "a batch's queue: rows queued a second and their memory, rows a second that do nothing, time beside rows of 15 ms";
export const options = {
  rows: { type: "string", default: "100000" },
  idle: { type: "string", default: "2000" },
  images: { type: "string", default: "500" },
  ms: { type: "string", default: "15" },
  slots: { type: "string", default: "8" },
  runs: { type: "string", default: "3" },
  queues: { type: "string", default: "postgres,folder" },
};

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ rows, idle, images, ms, slots, runs, queues }, log) {
  const found = {};
  for (const kind of queues.split(",")) {
    const place = kind === "folder" ? folderQueue() : await serverQueue();
    try {
      const opening = performance.now();
      const queue = await openQueue(place.url);
      const openMs = round(performance.now() - opening);
      const idleRate = await idleRows(queue, Number(idle), Number(slots));
      log(`${kind}: ${idleRate} rows that do nothing a second`);
      const beside = await besideRows(queue, {
        count: Number(images),
        ms: Number(ms),
        slots: Number(slots),
        runs: Number(runs),
      });
      log(`${kind}: ${beside.percent} % beside rows of ${ms} ms`);
      const queued = await queueRows(queue, Number(rows));
      log(`${kind}: ${rows} rows queued in ${queued.seconds} s`);
      const deepRate = await deepRows(queue, Number(slots));
      await queue.close();
      found[kind] = { openMs, idleRate, deepRate, ...queued, ...beside };
    } finally {
      await place.remove();
    }
  }
  const table = Object.entries(found).map(([kind, each]) => [
    ...[kind, each.openMs, each.idleRate, each.deepRate, each.seconds, each.megabytes],
    ...[each.percent, each.cpuMsPerRow],
  ]);
  const head = [
    "queue",
    "ms to open",
    "idle rows/s",
    `with ${rows} waiting`,
    "s to queue them",
    "MB more",
    "% beside rows",
    "ms of CPU a row",
  ];
  log(`\n${markdown([head, ...table])}`);
  return { rows, images, ms, slots, queues: found };
}

function folderQueue() {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-bench-"));
  return { url: `dir:${folder}`, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function serverQueue() {
  const server = await startPostgres();
  return { url: server.url(), remove: () => server.remove() };
}

/** @param {number} count @param {string} of */
function* sources(count, of) {
  for (let i = 0; i < count; i++) {
    const sha256 = `${of}${i}`.padStart(64, "0").replace(/[^0-9a-f]/g, "0");
    yield { path: `/pages/${of}/${i}.png`, sha256 };
  }
}

/** A value of the size of a short answer. */
const value = {
  text: '{"patient":"","drugs":[{"name":"","dose":0}]}',
  parsed: { patient: "", drugs: [] },
  finishReason: "eos",
};
const ask = { prompt: "Which drugs are on it?", model: "none" };

async function idleRows(queue, count, slots) {
  const began = performance.now();
  let first = 0;
  const compute = () => {
    first ||= performance.now();
    return Promise.resolve(value);
  };
  await annotateJob({ queue, source: sources(count, "a"), ask, run: "idle", compute, slots });
  return Math.round((count / (performance.now() - (first || began))) * 1000);
}

/**
 * The same rows with the queue and without, in turns, through an engine whose batch is half the slots: a row ends every `ms`. Its rows
 * wait, as for a GPU; the CPU's time is what the queue takes.
 */
async function besideRows(queue, { count, ms, slots, runs }) {
  const batch = Math.ceil(slots / 2);
  const places = new Places(batch);
  const row = () => places.use(() => sleep(ms * batch));
  const alone = [];
  const queued = [];
  const cpu = [];
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    await pool(count, slots, row);
    alone.push(performance.now() - began);
    const run = `beside-${i}`;
    await annotateJob({ queue, source: sources(count, `${i}b`), ask, run, wait: false });
    let first;
    let last;
    let left = count;
    const used = process.cpuUsage();
    await annotateJob({
      ...{ queue, source: [], ask, run, slots },
      compute: async () => {
        first ??= performance.now();
        await row();
        if (--left === 0) last = performance.now();
        return value;
      },
    });
    queued.push(last - first);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000 / count);
  }
  const percent = round((median(queued) / median(alone) - 1) * 100);
  return { percent, aloneMs: round(median(alone)), queuedMs: round(median(queued)), cpuMsPerRow: round(median(cpu)) };
}

/** What an engine is to a queue: so many rows at once, the others wait in the order in which they came. */
class Places {
  #free;
  #waiting = [];

  constructor(count) {
    this.#free = count;
  }

  async use(job) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => this.#waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

async function pool(count, slots, job) {
  let next = 0;
  const one = async () => {
    while (next++ < count) await job();
  };
  await Promise.all(Array.from({ length: slots }, one));
}

async function queueRows(queue, count) {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const began = performance.now();
  await annotateJob({ queue, source: sources(count, "c"), ask, run: "deep", wait: false });
  const seconds = round((performance.now() - began) / 1000);
  clearInterval(watch);
  return { seconds, megabytes: Math.round((most - before) / 1e6) };
}

/** Rows a second while all the others wait. */
async function deepRows(queue, slots) {
  const ended = new AbortController();
  let count = 0;
  let first;
  const compute = () => {
    first ??= performance.now();
    if (++count === 1000) ended.abort();
    return Promise.resolve(value);
  };
  const job = annotateJob({ queue, source: [], ask, run: "deep", compute, slots, signal: ended.signal });
  await job.catch(() => {});
  return Math.round((count / (performance.now() - first)) * 1000);
}
