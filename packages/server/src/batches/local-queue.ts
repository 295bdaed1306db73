import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile } from "node:fs/promises";
import { remove } from "../files/atomic.js";
import type { FileStore } from "../files/file-store.js";
import { cancelledProblem, endingProblem } from "../http/problem.js";
import type { Route } from "../http/route.js";
import type { Principal } from "../people/principal.js";
import type { Recorder } from "../telemetry/recorder.js";
import { isOver, now, type Batch } from "./batch.js";
import type { BatchQueue } from "./batch-queue.js";
import type { BatchStore, KeptBatch } from "./batch-store.js";
import { LineFile } from "./line-file.js";
import { checkLines, readLines, type BatchLine } from "./read-lines.js";
import { runLine } from "./run-line.js";

/** What the queue is made of. */
export interface LocalQueueParts {
  files: FileStore;
  batches: BatchStore;
  /** Those that lines may ask, by their paths. */
  routes: ReadonlyMap<string, Route>;
  /** As whom a tenant's batches run. */
  principalOf: (tenant: string) => Principal;
  /** Is told of each request of a batch, as of those that come over HTTP. */
  recorder: Recorder;
  /** Words of the API, which errors may quote. */
  words: ReadonlySet<string>;
  /** Most lines of a batch that run at once. */
  concurrency: number;
}

/**
 * Answers batches in this process, one batch at a time. Every line is answered once: what is answered is written behind the
 * answers before, and a start after any end goes on with the lines that have no answer yet.
 */
export class LocalQueue implements BatchQueue {
  readonly #parts: LocalQueueParts;
  readonly #waiting: KeptBatch[] = [];
  #running: { kept: KeptBatch; ended: AbortController } | undefined;
  #work: Promise<void> = Promise.resolve();
  #state: "idle" | "working" | "paused" = "paused";

  constructor(parts: LocalQueueParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { files, batches } = this.#parts;
    await files.open();
    const known = new Set(this.#waiting);
    const left = (await batches.all()).filter((kept) => !isOver(kept.batch) && !known.has(kept));
    this.#waiting.unshift(...left);
    this.#state = "idle";
    this.#next();
  }

  add(batch: KeptBatch): void {
    this.#waiting.push(batch);
    this.#next();
  }

  async cancel(kept: KeptBatch): Promise<void> {
    if (isOver(kept.batch) || kept.batch.status === "cancelling") return;
    await this.#change(kept, { status: "cancelling", cancelling_at: now() });
    if (this.#running?.kept === kept) this.#running.ended.abort(cancelledProblem());
  }

  pause(): void {
    this.#state = "paused";
  }

  async close(): Promise<void> {
    this.#state = "paused";
    this.#running?.ended.abort(endingProblem());
    await this.#work;
  }

  #next(): void {
    if (this.#state !== "idle") return;
    const kept = this.#waiting.shift();
    if (kept === undefined) return;
    this.#state = "working";
    this.#work = this.#run(kept).finally(() => {
      this.#running = undefined;
      if (this.#state === "working") this.#state = "idle";
      this.#next();
    });
  }

  /** Never rejects. */
  async #run(kept: KeptBatch): Promise<void> {
    const ended = new AbortController();
    this.#running = { kept, ended };
    try {
      if (kept.batch.status === "validating" && !(await this.#validate(kept))) return;
      // A status that cannot be answered any more is asked again by nobody.
      if (kept.batch.status === "in_progress") await this.#answer(kept, ended.signal);
      if (this.#state === "paused" && kept.batch.status === "in_progress") return;
      await this.#finish(kept);
    } catch {
      // Its files are gone, or cannot be written. The message would name paths of the host.
      const data = [{ code: "storage_failed", message: "the batch's files cannot be used", line: null, param: null }];
      const failed = { status: "failed", failed_at: now(), errors: { object: "list", data } } as const;
      await this.#change(kept, failed).catch(() => {});
    }
  }

  /** @returns whether it has requests to answer */
  async #validate(kept: KeptBatch): Promise<boolean> {
    const { batch, tenant } = kept;
    const input = await this.#parts.files.read(tenant, batch.input_file_id);
    const { total, problems } = await checkLines(input, batch.endpoint);
    if (isCancelling(kept)) return true;
    if (problems.length > 0) {
      await this.#change(kept, { status: "failed", failed_at: now(), errors: { object: "list", data: problems } });
      return false;
    }
    const request_counts = { total, completed: 0, failed: 0 };
    await this.#change(kept, { status: "in_progress", in_progress_at: now(), request_counts });
    return true;
  }

  async #answer(kept: KeptBatch, signal: AbortSignal): Promise<void> {
    const { files, batches, concurrency } = this.#parts;
    const { batch, tenant } = kept;
    const output = await LineFile.open(batches.partOf(batch.id, "output"));
    const errors = await LineFile.open(batches.partOf(batch.id, "errors"));
    try {
      const counts = batch.request_counts;
      const done = new Set<string>();
      for await (const line of output.lines()) done.add(idOf(line));
      counts.completed = done.size;
      for await (const line of errors.lines()) done.add(idOf(line));
      counts.failed = done.size - counts.completed;
      const lines = readLines(await files.read(tenant, batch.input_file_id), batch.endpoint);
      const worker = async () => {
        for (;;) {
          if (signal.aborted || this.#state === "paused") return;
          const { value, done: isLast } = await lines.next();
          if (isLast || value === undefined) return;
          if (done.has(value.customId)) continue;
          const answered = await this.#ask(kept, value, signal);
          if (answered === undefined) return;
          await (answered.failed ? errors : output).append(answered.line);
          counts[answered.failed ? "failed" : "completed"] += 1;
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      await lines.return();
    } finally {
      await output.close();
      await errors.close();
    }
  }

  /** @returns undefined where it was ended before its answer */
  async #ask(kept: KeptBatch, { customId, body }: BatchLine, signal: AbortSignal) {
    const { routes, principalOf, recorder, words } = this.#parts;
    const route = routes.get(kept.batch.endpoint)!;
    const id = randomUUID();
    try {
      const { status, body: answer } = await runLine(route, body, {
        ...{ id, who: principalOf(kept.tenant), signal },
        ...{ recorder, words },
      });
      const response = { status_code: status, request_id: id, body: answer };
      const line = JSON.stringify({ id: `batch_req_${hex()}`, custom_id: customId, response, error: null });
      return { line, failed: status !== 200 };
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** Makes files of the answers. After an end at any moment it may be done again. */
  async #finish(kept: KeptBatch): Promise<void> {
    const cancelled = isCancelling(kept);
    if (!cancelled && kept.batch.status !== "finalizing") {
      await this.#change(kept, { status: "finalizing", finalizing_at: now() });
    }
    const output_file_id = kept.batch.output_file_id ?? (await this.#publish(kept, "output"));
    const error_file_id = kept.batch.error_file_id ?? (await this.#publish(kept, "errors"));
    const over = cancelled
      ? ({ status: "cancelled", cancelled_at: now() } as const)
      : ({ status: "completed", completed_at: now() } as const);
    await this.#change(kept, { ...over, output_file_id, error_file_id });
    for (const kind of ["output", "errors"] as const) await remove(this.#parts.batches.partOf(kept.batch.id, kind));
  }

  /** @returns the file's id, or null where there is no line */
  async #publish({ tenant, batch }: KeptBatch, kind: "output" | "errors"): Promise<string | null> {
    const { files, batches } = this.#parts;
    const filename = `${batch.id}_${kind === "output" ? "output" : "error"}.jsonl`;
    // One that a process made which then was killed.
    const before = (await files.list(tenant)).find((file) => file.filename === filename && file.purpose === OUTPUT);
    if (before !== undefined) return before.id;
    const lines = await LineFile.open(batches.partOf(batch.id, kind));
    await lines.close();
    if (lines.isEmpty) return null;
    const { id, part } = await files.begin(tenant);
    // A copy: until the file is there for good, the answers are kept where they are.
    await copyFile(batches.partOf(batch.id, kind), part, constants.COPYFILE_FICLONE);
    return (await files.adopt(tenant, id, { filename, purpose: OUTPUT })).id;
  }

  async #change(kept: KeptBatch, change: Partial<Batch>): Promise<void> {
    kept.batch = { ...kept.batch, ...change };
    await this.#parts.batches.save(kept);
  }
}

/** As OpenAI calls the purpose of a file that a batch made. */
const OUTPUT = "batch_output";

const isCancelling = ({ batch }: KeptBatch) => batch.status === "cancelling";
const hex = () => randomUUID().replaceAll("-", "");
const idOf = (line: string) => (JSON.parse(line) as { custom_id: string }).custom_id;
