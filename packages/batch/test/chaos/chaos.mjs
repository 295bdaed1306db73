/** Rows, workers that are killed, a server that crashes; and whether all of it came out right. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { openQueue, resultRows } from "@medinfer/batch";

const here = import.meta.dirname;

/**
 * @typedef {object} Plan
 * @property {string} url of the queue
 * @property {number} rows different files; one of them is there twice, one cannot be decoded, one ends each process that reads it
 * @property {number} workers 0: the submitter computes, and is what is killed
 * @property {number} slots
 * @property {number} ms of a row, on average
 * @property {number} killMs between two kills; without workers, of computing
 * @property {number} leaseSeconds
 * @property {number} maxKills
 * @property {number} [mostKills] no more kills than that. Default: until the end
 * @property {() => Promise<void>} [crash] stops the server at once, and starts it again; when a third is done
 * @property {(line: string) => void} log
 */

/** @param {Plan} plan @returns what was seen; to be compared with what has to be */
export async function chaos(plan) {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-chaos-"));
  const log = path.join(folder, "executions");
  const files = path.join(folder, "files");
  mkdirSync(files);
  writeFileSync(log, "");
  for (let i = 0; i < plan.rows; i++) {
    const kind = i === Math.floor(plan.rows / 5) ? "poison" : i === Math.floor(plan.rows / 3) ? "undecodable" : "page";
    writeFileSync(path.join(files, `${String(i).padStart(6, "0")}.txt`), `${kind} ${i}`);
  }
  writeFileSync(path.join(files, "again.txt"), "page 0");
  try {
    const first = await runOnce(plan, { files, log });
    const executions = linesOf(log);
    writeFileSync(log, "");
    const second = await submit(plan, { files, log }).done;
    return { ...first, ...judge(executions), second, secondExecutions: linesOf(log).length, ...(await stored(plan)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runOnce(plan, at) {
  const began = performance.now();
  let submitter = submit(plan, at);
  const workers = Array.from({ length: plan.workers }, (_, i) => worker(plan, at, i));
  let report;
  let kills = 0;
  let crashed = plan.crash === undefined;
  const done = () => linesOf(at.log).length;
  let over = false;
  const finished = (given) => {
    report = given;
    over = true;
  };
  let failure;
  const watch = (one) =>
    one.done.then(finished, (error) => {
      // Killed by us, or by the row that ends each process: somebody starts it again.
      if (plan.workers === 0) watch((submitter = submit(plan, at)));
      else [failure, over] = [error, true];
    });
  void watch(submitter);
  // The first row has begun: before that there is nothing to lose.
  while (!over && done() === 0) await sleep(20);
  while (!over) {
    await sleep(plan.killMs);
    if (over) break;
    if (!crashed && done() > plan.rows / 3) {
      crashed = true;
      plan.log(`the server crashes, ${done()} rows begun`);
      await plan.crash();
      continue;
    }
    if (kills >= (plan.mostKills ?? Infinity)) continue;
    kills += 1;
    if (plan.workers === 0) {
      const { child, exit } = submitter;
      child.kill("SIGKILL");
      await exit;
      // Opening the folder takes a second or more: what is killed next is to have computed something.
      for (const before = done(); !over && done() === before;) await sleep(20);
    } else {
      const index = kills % plan.workers;
      workers[index].child.kill("SIGKILL");
      await workers[index].exit;
      workers[index] = worker(plan, at, index);
    }
    plan.log(`kill ${kills}, ${done()} rows begun`);
  }
  for (const { child } of workers) child.kill("SIGTERM");
  const exits = await Promise.all(workers.map(({ exit }) => exit));
  if (failure !== undefined) throw failure;
  return { report, kills, seconds: (performance.now() - began) / 1000, stopped: exits.map(([code]) => code) };
}

function start(script, given) {
  const child = fork(path.join(here, script), [JSON.stringify(given)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exit = once(child, "exit");
  return { child, exit };
}

function worker({ url, leaseSeconds, slots, ms }, { log }, index) {
  return start("worker.mjs", { ...{ url, leaseSeconds, slots, ms, log }, host: `host-${index}` });
}

function submit({ url, leaseSeconds, slots, workers, ms, maxKills }, { files, log }) {
  const given = {
    ...{ url, leaseSeconds, ms, log, maxKills },
    host: "host",
    folder: files,
    slots: workers === 0 ? slots : 0,
  };
  const { child, exit } = start("submit.mjs", given);
  const done = new Promise((resolve, reject) => {
    child.once("message", ({ report }) => resolve(report));
    exit.then(([code, signal]) => reject(new Error(`the submitter ended with ${code ?? signal}`)));
  });
  done.catch(() => {});
  return { child, exit, done };
}

/** @param {string[]} executions */
function judge(executions) {
  const unique = new Set(executions.map((line) => line.split(" ")[0]));
  return { executions: executions.length, executed: unique.size };
}

async function stored({ url }) {
  const queue = await openQueue(url);
  try {
    const rows = [];
    for await (const row of resultRows(queue, "chaos")) rows.push(row);
    const kinds = (state) => rows.filter((row) => row.state === state);
    return {
      rows: rows.length,
      ids: new Set(rows.map(({ row }) => row)).size,
      done: kinds("done").length,
      failed: kinds("failed").map(({ error, sources }) => ({ code: error.code, source: kindOf(sources) })),
      quarantined: kinds("quarantined").map(({ error, sources, kills }) => ({
        code: error.code,
        source: kindOf(sources),
        kills,
      })),
      wrong: kinds("done").filter(({ value, sources }) => !value.text.startsWith("page ") || sources.length < 1).length,
      twice: rows.filter(({ sources }) => sources.length === 2).map(({ sources }) => sources.map(({ id }) => id)),
    };
  } finally {
    await queue.close();
  }
}

/** By the names that chaos() gives. */
function kindOf(sources) {
  return sources.map(({ id }) => Number.parseInt(id, 10)).join();
}

function linesOf(file) {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** @param {Plan} plan @returns {string[]} what is not as it has to be */
export function wrongs(plan, seen) {
  const wrong = [];
  const must = (holds, what) => {
    if (!holds) wrong.push(what);
  };
  const { report, second } = seen;
  must(
    report.complete && report.inputs === report.done + report.failed + report.quarantined,
    "inputs are not done + failed + quarantined",
  );
  must(seen.rows === plan.rows && seen.ids === plan.rows, "not one result for each id");
  must(seen.done === plan.rows - 2 && seen.wrong === 0, "not all others are done, and right");
  must(
    seen.failed.length === 1 &&
      seen.failed[0].code === "IMAGE_DECODE" &&
      seen.failed[0].source === String(Math.floor(plan.rows / 3)),
    "failed is not the undecodable one",
  );
  must(
    seen.quarantined.length === 1 &&
      seen.quarantined[0].code === "WORKER_ENDED" &&
      seen.quarantined[0].source === String(Math.floor(plan.rows / 5)),
    "quarantined is not the one that ends workers",
  );
  must(
    seen.twice.length === 1 && seen.twice[0].join() === "000000.txt,again.txt",
    "the file that is there twice is not one row with both sources",
  );
  must(report.sources === plan.rows + 1, "not every source is told");
  // Those of the row that ends workers are its kills; a crash of the server lets rows be computed whose result could not be told.
  const inFlight = plan.slots + 1;
  const least = plan.rows - 1 + (seen.quarantined[0]?.kills ?? 0);
  must(
    seen.executions - least <= (seen.kills + plan.maxKills) * inFlight,
    "more executions than kills by rows in flight",
  );
  must(second.complete && seen.secondExecutions === 0, "a second run computed something");
  must(
    seen.stopped.every((code) => code === 0),
    "a worker did not stop by itself",
  );
  return wrong;
}
