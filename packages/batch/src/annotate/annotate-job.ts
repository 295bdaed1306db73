import { setTimeout as sleep } from "node:timers/promises";
import type { Reader } from "../compute/read-source.js";
import { reconnecting } from "../database/reconnect.js";
import { BatchError } from "../errors.js";
import { resultRows } from "../export/result-rows.js";
import type { Sink } from "../export/sink.js";
import { digestAsk, type Ask } from "../manifest/identity.js";
import { maintain } from "../manifest/maintain.js";
import { reconcile, unfinished } from "../manifest/reconcile.js";
import { beginRun, endRun, findRun, markEnumerated, type Run } from "../manifest/runs.js";
import { statusOf, type RunStatus } from "../manifest/status.js";
import { takeOver } from "../manifest/take-over.js";
import type { Queue } from "../queue/queue.js";
import type { QuarantineOptions } from "../work/child-lane.js";
import type { Compute } from "../work/compute.js";
import { Worker, type WorkerEvent } from "../work/worker.js";
import { enumerate } from "./enumerate.js";
import type { PagesOf, Source } from "./sources.js";

/** Options of {@link annotateJob}. */
export interface AnnotateJobOptions {
  queue: Queue;
  /** What is to be asked; read once, and never held as a whole. */
  source: AsyncIterable<Source> | Iterable<Source>;
  /** What is asked of each page. */
  ask: Ask;
  /** The run's name: 1 to 64 of letters, digits, `_`, `.` and `-`. Default: made of what is asked, so that asking again goes on. */
  run?: string;
  /** Reads the bytes of sources that are no files. Default: files. */
  reader?: Reader;
  /** Counts the pages of a source. Default: each has one. */
  pagesOf?: PagesOf;
  /** Computes rows in this process. Default: none; workers elsewhere do. */
  compute?: Compute;
  /** Rows that run at once here. Default 1. */
  slots?: number;
  /** What this host is called. Default: the machine's name. */
  host?: string;
  /** Tries of a row that ends with retryable errors, at least 1. Default 5. */
  maxAttempts?: number;
  /** How rows run that came back after a kill; `maxKills`: workers that a row may end, default 10. */
  quarantine?: Partial<QuarantineOptions> & { maxKills?: number };
  /** Milliseconds that a row may take here. Default an hour. */
  rowTimeoutMs?: number;
  /** Milliseconds that rows under way here have to end when the job is stopped; then they are given back. Default 10,000. */
  graceMs?: number;
  /** Where results go when the run is over. Default: they stay in the queue. */
  sink?: Sink;
  /** Ends the job: rows under way are given back, what is queued stays, and the same call goes on. */
  signal?: AbortSignal;
  /** Is told about once a second how far it is. */
  onProgress?: (status: RunStatus) => void;
  onEvent?: (event: WorkerEvent) => void;
  /** False: resolves when all sources are queued. Default true. */
  wait?: boolean;
}

/** What became of a job: `inputs = done + failed + quarantined` where it was waited for. */
export interface JobReport extends RunStatus {
  /** Whether every row has a result. */
  complete: boolean;
}

/** Milliseconds between two looks at a run, at least and at most; a look that takes long is made more seldom. */
const LOOK_MS = 500;
const LOOK_MOST_MS = 5000;
const LOOK_SHARE = 20;
/** How often the queue is compared with the manifest, in milliseconds. */
const RECONCILE_MS = 15_000;
/** After so many results the tables are tidied up. */
const MAINTAIN_ROWS = 10_000;

/**
 * Queues sources, waits until each has a result, and tells what became of them. What has a result is skipped, so a job that was
 * stopped, or killed, goes on with the same call. Complete is a run only when no row of its manifest is without a result; what
 * the queue says of its jobs is never asked for that.
 *
 * @throws BatchError (rejects) `INVALID_ARGUMENT`, `RUN_MISMATCH`, `ABORTED`; what the source, the sink or a local worker throws
 */
export async function annotateJob(options: AnnotateJobOptions): Promise<JobReport> {
  const { queue, source, ask, signal, compute, reader, pagesOf, wait = true } = options;
  const { maxAttempts = 5, quarantine: { maxKills = 10 } = {}, run: id = digestAsk(ask).slice(0, 16) } = options;
  if (!/^[\w.-]{1,64}$/.test(id)) {
    throw new BatchError("INVALID_ARGUMENT", "annotateJob: run must be 1 to 64 of letters, digits, _, . and -");
  }
  if (![maxAttempts, maxKills].every((each) => Number.isInteger(each) && each >= 1)) {
    throw new BatchError("INVALID_ARGUMENT", "annotateJob: maxAttempts and maxKills must be integers of at least 1");
  }
  throwIfEnded(signal);
  const run = await beginRun(queue, { id, ask, maxAttempts, maxKills });
  // Ends the waiting where the local worker has failed.
  const failed = new AbortController();
  const worker = compute === undefined ? undefined : startWorker(options, compute, id, failed);
  const ended = AbortSignal.any([failed.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    await enumerate(queue, id, source, { asked: run.asked, reader, pagesOf, signal: ended }, () => worker?.wake());
    await reconnecting(() => markEnumerated(queue, id), { signal: ended });
    if (!wait && worker === undefined) return await reportOf(queue, run);
    await untilComplete(options, run, worker, ended);
  } catch (error) {
    if (failed.signal.aborted) throw failed.signal.reason;
    throwIfEnded(signal);
    throw error;
  } finally {
    await worker?.stop();
  }
  await reconnecting(() => endRun(queue, id), { signal });
  await options.sink?.(resultRows(queue, id));
  return reconnecting(() => reportOf(queue, run), { signal });
}

function throwIfEnded(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new BatchError("ABORTED", "the job was stopped: the same call goes on with it", { cause: signal.reason });
}

function startWorker(options: AnnotateJobOptions, compute: Compute, run: string, failed: AbortController): Worker {
  const { queue, slots = 1, host, quarantine, rowTimeoutMs, graceMs, onEvent } = options;
  const { module, data, idleMs } = quarantine ?? {};
  const worker = new Worker({
    ...{ queue, compute, slots, run },
    ...(host === undefined ? {} : { host }),
    ...(module === undefined ? {} : { quarantine: { module, data, ...(idleMs === undefined ? {} : { idleMs }) } }),
    ...(rowTimeoutMs === undefined ? {} : { rowTimeoutMs }),
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  worker.start();
  worker.ended().catch((error: unknown) => failed.abort(error));
  return worker;
}

async function untilComplete(
  { queue, onProgress }: AnnotateJobOptions,
  run: Run,
  worker: Worker | undefined,
  signal: AbortSignal,
): Promise<void> {
  let reconciled = performance.now();
  let maintained = 0;
  for (;;) {
    const began = performance.now();
    const now = await reconnecting(() => statusOf(queue, { ...run, enumerated: true }), { signal });
    onProgress?.(now);
    const isOver = now.done + now.failed + now.quarantined >= now.inputs;
    if (isOver && (await reconnecting(() => unfinished(queue, run.id), { signal })) === 0) return;
    if (now.done - maintained > MAINTAIN_ROWS) {
      await reconnecting(() => maintain(queue), { signal });
      maintained = now.done;
    }
    if (isOver || began - reconciled > RECONCILE_MS) {
      await reconnecting(() => reconcile(queue, run.id), { signal });
      // Where no worker is left, nobody else does.
      await reconnecting(() => takeOver(queue), { signal });
      worker?.wake();
      reconciled = performance.now();
    }
    const pause = Math.min(LOOK_MOST_MS, Math.max(LOOK_MS, (performance.now() - began) * LOOK_SHARE));
    await sleep(pause, undefined, { signal });
  }
}

async function reportOf(queue: Queue, run: Run): Promise<JobReport> {
  const now = await statusOf(queue, await findRun(queue, run.id));
  return { ...now, complete: now.enumerated && now.inputs === now.done + now.failed + now.quarantined };
}
