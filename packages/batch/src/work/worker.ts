import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isConnectionError } from "../database/connection-error.js";
import { reconnecting } from "../database/reconnect.js";
import { BatchError, toRowError } from "../errors.js";
import { claim, renew, type ClaimedRow } from "../manifest/claim.js";
import { openRuns, type OpenRun } from "../manifest/runs.js";
import { unstorable, withinLimits, type Outcome } from "../manifest/settle.js";
import { giveBackUnknown, takeOver } from "../manifest/take-over.js";
import type { Lane } from "../queue/job-queue.js";
import type { Queue } from "../queue/queue.js";
import { Bell } from "./bell.js";
import { ChildEnded, ChildLane, type QuarantineOptions } from "./child-lane.js";
import type { Compute } from "./compute.js";
import { Settler } from "./settler.js";

/** What a worker tells of itself: no path, no text. */
export type WorkerEvent =
  | { kind: "database-lost" }
  /** Rows of workers that gave no sign of life came back. */
  | { kind: "taken-over"; rows: number }
  /** A row's child process has ended. */
  | { kind: "child-ended"; row: string }
  /** A row was taken over by others while it ran here: it is ended, and nothing of it is kept. */
  | { kind: "claim-lost"; row: string }
  | { kind: "settled"; row: string; outcome: Outcome["kind"]; stored: boolean };

/** Options of {@link work}. */
export interface WorkOptions {
  queue: Queue;
  compute: Compute;
  /**
   * Most rows that are under way at once, in the lane `shared`. Of an engine twice its `batchSize`, as `engine.annotate` has: some
   * rows wait in the engine while others are claimed, and it never waits for the queue.
   */
  slots: number;
  /** What the worker's host is called. Default: the machine's name. */
  host?: string;
  /** Only rows of this run. Default: of all. */
  run?: string;
  /** Which runs it can compute, as those that ask its model. Default: all. */
  accepts?: (run: { id: string; ask: OpenRun["ask"] }) => boolean;
  /**
   * Where rows run that came back after their worker was killed. Without it they run here, one at a time and with no other beside
   * them: a row that ends its process then ends this one.
   */
  quarantine?: QuarantineOptions;
  /** Milliseconds that a row may take. Default an hour. */
  rowTimeoutMs?: number;
  /** Milliseconds that rows under way have to end when the worker stops; then they are given back. Default 10,000. */
  graceMs?: number;
  /** Stops the worker. */
  signal?: AbortSignal;
  onEvent?: (event: WorkerEvent) => void;
}

/**
 * Errors that are not one row's: the row is given back, and the worker ends with them. What they say would be true of every row.
 */
const ofTheWorker = new Set(["INVALID_ARGUMENT", "NO_VISION", "CLOSED", "BACKEND_LOST", "NO_DEVICE", "WRONG_TASK"]);

/** How often a worker without rows looks, in milliseconds: at first, and at most. */
const LOOK_MS = 50;
const LOOK_MOST_MS = 1000;
/** Milliseconds that a free slot waits for others, which are claimed for together. */
const GATHER_MS = 15;
/** Open runs are looked up anew after so long. */
const RUNS_MS = 500;
/** Back-off of a row that failed with a retryable error, in seconds: it doubles with each error. */
const RETRY_FIRST_S = 1;
const RETRY_MOST_S = 60;
/** What computing does not end by itself after an abort, is not waited for longer. */
const ABORT_MS = 5000;

type End = "stop" | "lost" | "timeout";

interface Running {
  row: ClaimedRow;
  run: OpenRun;
  ended: AbortController;
  end: End | undefined;
  /** False: it is computed, and its outcome is being written. */
  computing: boolean;
  promise: Promise<void>;
}

/**
 * Claims rows and computes them, until it is stopped. See the package's rules: it takes no more rows than can run; it looks for
 * a result before it computes, as claiming does; it renews its leases at a third of their time; it writes results with their
 * job in one transaction; what it lost it ends and forgets.
 */
export class Worker {
  readonly #options: WorkOptions;
  readonly #id = randomUUID();
  readonly #host: string;
  readonly #bell = new Bell();
  readonly #settler: Settler;
  readonly #child: ChildLane | undefined;
  readonly #running = new Set<Running>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stopped = new AbortController();
  #runs: { at: number; open: OpenRun[] } = { at: -Infinity, open: [] };
  #turn = 0;
  #renewing = false;
  #loop: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(options: WorkOptions) {
    if (!Number.isInteger(options.slots) || options.slots < 1) {
      throw new BatchError("INVALID_ARGUMENT", "work: slots must be an integer of at least 1");
    }
    this.#options = options;
    this.#host = options.host ?? hostname();
    this.#settler = new Settler(options.queue, quarterOf(options.slots), () => this.#tell({ kind: "database-lost" }));
    this.#child = options.quarantine === undefined ? undefined : new ChildLane(options.quarantine);
  }

  start(): void {
    if (this.#loop !== undefined) return;
    const third = (this.#options.queue.leaseSeconds * 1000) / 3;
    this.#timers.push(setInterval(() => void this.#renew(), third));
    // Not all workers at the same moment.
    this.#timers.push(setInterval(() => void this.#takeOver(), third * (0.8 + Math.random() * 0.4)));
    void this.#takeOver();
    this.#loop = this.#claimRows();
  }

  /** Looks for rows at once. */
  wake(): void {
    this.#bell.ring();
  }

  /** Resolves when the worker has ended. @throws (rejects) with what ended it, where it was not stopped */
  async ended(): Promise<void> {
    await this.#loop;
    await this.stop();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Claims nothing more; rows under way have their grace, and are given back then. Resolves when that is written. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#bell.ring();
    await this.#loop;
    const grace = setTimeout(() => this.#endAll("stop"), this.#options.graceMs ?? 10_000);
    // A database that stays away is not waited for longer than others take to see that we are gone.
    const wait = (this.#options.graceMs ?? 10_000) + ABORT_MS + this.#options.queue.leaseSeconds * 1000;
    const giveUp = setTimeout(() => this.#settler.giveUp(), wait);
    await Promise.allSettled([...this.#running].map(({ promise }) => promise));
    clearTimeout(grace);
    clearTimeout(giveUp);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#child?.close();
  }

  get #free(): number {
    let busy = 0;
    for (const { computing, row } of this.#running) {
      if (computing && (row.lane === "shared" || this.#child === undefined)) busy += 1;
    }
    return this.#options.slots - busy;
  }

  get #hasAlone(): boolean {
    return [...this.#running].some(({ row, computing }) => computing && row.lane === "alone");
  }

  get #isStopping(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Never rejects: what ends it, ended() tells. */
  async #claimRows(): Promise<void> {
    let look = LOOK_MS;
    while (!this.#isStopping) {
      try {
        await this.#gather();
        const count = await this.#claimOnce();
        if (count > 0) {
          look = LOOK_MS;
          continue;
        }
        await this.#bell.wait(this.#free > 0 ? look : LOOK_MOST_MS);
        look = Math.min(LOOK_MOST_MS, look * 2);
      } catch (error) {
        if (!isConnectionError(error)) {
          this.#fail(error);
          return;
        }
        this.#tell({ kind: "database-lost" });
        await this.#afterLost();
      }
    }
  }

  /** A claim may have been committed without its answer: such rows are given back, before others are claimed. */
  async #afterLost(): Promise<void> {
    const { queue } = this.#options;
    const known = () => [...this.#running].map(({ row }) => row);
    await reconnecting(() => giveBackUnknown(queue, this.#id, known()), { signal: this.#stopped.signal }).catch(
      (error: unknown) => {
        if (!isConnectionError(error)) this.#fail(error);
      },
    );
    // Leases may be over, and the rows still ours.
    await this.#renew();
  }

  /** @returns how many rows it has claimed */
  async #claimOnce(): Promise<number> {
    const runs = await this.#openRuns();
    let count = 0;
    for (let i = 0; i < runs.length && !this.#isStopping; i++) {
      // Runs take turns.
      const run = runs[(this.#turn + i) % runs.length]!;
      if (run.alone) count += await this.#claimFrom(run, "alone", this.#roomAlone());
      count += await this.#claimFrom(run, "shared", this.#roomShared());
    }
    this.#turn += 1;
    return count;
  }

  #roomAlone(): number {
    if (this.#hasAlone) return 0;
    // Without a child it shares this process with nothing.
    return this.#child !== undefined || this.#free === this.#options.slots ? 1 : 0;
  }

  #roomShared(): number {
    // A row that is to run alone waits until what runs has ended.
    if (this.#child === undefined && (this.#hasAlone || this.#runs.open.some(({ alone }) => alone))) return 0;
    return this.#free;
  }

  /** Where a slot is free, a few more often are a moment later: they share a claim. */
  async #gather(): Promise<void> {
    if (this.#free < quarterOf(this.#options.slots) && this.#free > 0) await sleep(GATHER_MS);
  }

  async #claimFrom(run: OpenRun, lane: Lane, count: number): Promise<number> {
    if (count < 1) return 0;
    const claimed = await claim(
      this.#options.queue,
      { run: run.id, lane, count },
      { worker: this.#id, host: this.#host },
    );
    for (const row of claimed) this.#begin(row, run);
    if (lane === "alone" && claimed.length === 0) run.alone = false;
    return claimed.length;
  }

  async #openRuns(): Promise<OpenRun[]> {
    if (performance.now() - this.#runs.at > RUNS_MS) {
      const { queue, run, accepts = () => true } = this.#options;
      const open = (await openRuns(queue, run)).filter(({ id, ask }) => accepts({ id, ask }));
      this.#runs = { at: performance.now(), open };
    }
    return this.#runs.open;
  }

  #begin(row: ClaimedRow, run: OpenRun): void {
    const running: Running = {
      row,
      run,
      ended: new AbortController(),
      end: undefined,
      computing: true,
      promise: Promise.resolve(),
    };
    this.#running.add(running);
    running.promise = this.#run(running).finally(() => this.#running.delete(running));
  }

  /** Never rejects. */
  async #run(running: Running): Promise<void> {
    const outcome = await this.#outcomeOf(running);
    running.computing = false;
    this.#bell.ring();
    if (outcome === undefined) return;
    const { row, run } = running;
    try {
      const stored = await this.#settler.add({ row, outcome: withinLimits(row, outcome, run) });
      this.#tell({ kind: "settled", row: row.id, outcome: outcome.kind, stored });
    } catch (error) {
      // Others take it over when its lease is over.
      if (!isConnectionError(error)) this.#fail(error);
    }
  }

  /** @returns undefined where the row is somebody else's */
  async #outcomeOf(running: Running): Promise<Outcome | undefined> {
    const began = performance.now();
    const ms = () => Math.round(performance.now() - began);
    const timeout = setTimeout(() => this.#end(running, "timeout"), this.#options.rowTimeoutMs ?? 3_600_000);
    try {
      const value = await this.#compute(running);
      if (running.end === "lost") return undefined;
      // What is whole is kept, also where the worker stops.
      return isJson(value) ? { kind: "done", value, ms: ms() } : unstorable(ms());
    } catch (error) {
      if (running.end === "lost") return undefined;
      if (running.end === "stop") return { kind: "back" };
      if (running.end === "timeout") {
        return {
          kind: "failed",
          code: "ROW_TIMEOUT",
          message: "the row took longer than it may: rowTimeoutMs",
          ms: ms(),
        };
      }
      if (error instanceof ChildEnded) {
        this.#tell({ kind: "child-ended", row: running.row.id });
        return { kind: "killed" };
      }
      return this.#errorOutcome(running.row, error, ms());
    } finally {
      clearTimeout(timeout);
    }
  }

  #errorOutcome(row: ClaimedRow, error: unknown, ms: number): Outcome {
    const { code, message, retryable, retryAfterMs = 0 } = toRowError(error);
    if (ofTheWorker.has(code)) {
      this.#fail(error);
      return { kind: "back" };
    }
    if (!retryable) return { kind: "failed", code, message, ms };
    const backOff = Math.min(RETRY_MOST_S, RETRY_FIRST_S * 2 ** row.errors) * (0.5 + Math.random() / 2);
    return { kind: "retry", code, seconds: Math.max(backOff, Math.min(retryAfterMs / 1000, 3600)) };
  }

  async #compute(running: Running): Promise<unknown> {
    const { row, run, ended } = running;
    const { id, ref, page, sha256, attempt, lane } = row;
    const asked = { run: run.id, id, ref, page, sha256, ask: run.ask };
    const context = { signal: ended.signal, attempt };
    const computing =
      lane === "alone" && this.#child !== undefined
        ? this.#child.run(asked, context)
        : this.#options.compute(asked, context);
    return untilIgnored(computing, ended.signal);
  }

  #end(running: Running, end: End): void {
    if (running.end !== undefined) return;
    running.end = end;
    running.ended.abort(
      new BatchError("ABORTED", "the row is ended: its worker stops, has lost it, or it took too long"),
    );
  }

  #endAll(end: End): void {
    for (const running of this.#running) this.#end(running, end);
  }

  async #renew(): Promise<void> {
    if (this.#renewing || this.#running.size === 0) return;
    this.#renewing = true;
    try {
      const held = [...this.#running];
      const lost = new Set(
        await renew(
          this.#options.queue,
          held.map(({ row }) => row),
        ),
      );
      for (const running of held) {
        // One whose outcome is being written may be settled already.
        if (!lost.has(running.row) || !running.computing) continue;
        this.#tell({ kind: "claim-lost", row: running.row.id });
        this.#end(running, "lost");
      }
    } catch (error) {
      // The next beat tries again; claiming sees that the connection is lost.
      if (!isConnectionError(error)) this.#fail(error);
    } finally {
      this.#renewing = false;
    }
  }

  async #takeOver(): Promise<void> {
    try {
      const rows = await takeOver(this.#options.queue);
      if (rows === 0) return;
      this.#tell({ kind: "taken-over", rows });
      this.#bell.ring();
    } catch (error) {
      if (!isConnectionError(error)) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopped.abort();
    this.#bell.ring();
  }

  #tell(event: WorkerEvent): void {
    this.#options.onEvent?.(event);
  }
}

function quarterOf(slots: number): number {
  return Math.ceil(slots / 4);
}

/** Circles, and numbers that JSON has not, must not fail the rows that are written down with it. */
function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** Computing that does not end after an abort is left to itself. */
async function untilIgnored<T>(computing: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  const ignored = async (): Promise<never> => {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { signal: over.signal });
    });
    await sleep(ABORT_MS, undefined, { signal: over.signal });
    throw signal.reason;
  };
  const watch = ignored();
  watch.catch(() => {});
  try {
    return await Promise.race([computing, watch]);
  } finally {
    over.abort();
    computing.catch(() => {});
  }
}
