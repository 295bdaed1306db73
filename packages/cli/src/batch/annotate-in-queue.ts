import path from "node:path";
import {
  annotateJob,
  deleteRun,
  exportRun,
  listRuns,
  openQueue,
  retryFailed,
  toJsonl,
  type Ask,
  type JobReport,
  type Queue,
  type Source,
} from "@medinfer/batch";
import type { Command } from "commander";
import { documentFiles, tellLeftOut, type LeftOut } from "../documents/document-files.js";
import type { Settings } from "../flags/settings.js";
import type { ProgressKind } from "../terminal/display.js";
import { askedModel, openComputing, openPages } from "./computing.js";
import { exportTables, makeFolder, refuseTable, type TableFormat } from "./export-files.js";
import { oneRun, runName } from "./run-name.js";
import { RunProgress } from "./run-progress.js";

/** What the library takes where none is given; servers of other makers may not. */
const SYSTEM_PROMPT = "You are a helpful assistant.";

/** What is asked, and where results go. */
export interface QueuedAnnotation {
  paths: readonly string[];
  prompt: string;
  system: string | undefined;
  settings: Settings;
  queueUrl: string;
  /** Undefined: results stay in the queue. */
  out: string | undefined;
  formats: readonly TableFormat[];
  /** Undefined: made of what is asked, and of which folders. */
  run: string | undefined;
  restart: boolean;
  retryFailed: boolean;
  /** Queues the rows, and waits for nothing. */
  submit: boolean;
  progress: ProgressKind;
}

/** Whether results go into a folder: it is one, or its name ends like one. */
export const isFolderName = (out: string) => /[/\\]$/.test(out);

/**
 * Asks all pages through a queue: a run that was stopped, or killed, goes on with the same call.
 *
 * @throws (rejects) BatchError, MedInferError, ServerError
 */
export async function annotateInQueue(
  command: Command,
  asked: QueuedAnnotation,
  signal: AbortSignal,
): Promise<JobReport> {
  const { out, formats } = asked;
  const ask = askOf(asked, await askedModel(command, signal));
  const id = asked.run ?? runName(ask, asked.paths);
  if (out !== undefined) {
    if (isFolderName(out)) await makeFolder(out);
    await refuseTable(isFolderName(out) ? path.join(out, "rows.jsonl") : out);
  }
  const queue = await openQueue(asked.queueUrl);
  try {
    await prepare(queue, id, asked);
    const report = await runJob(command, queue, { id, ask }, asked, signal);
    if (out !== undefined && !asked.submit) {
      if (isFolderName(out)) await exportTables(queue, await oneRun(queue, id), out, formats);
      else await exportRun(queue, id, toJsonl(out));
    }
    return report;
  } finally {
    await queue.close();
  }
}

function askOf({ prompt, system, settings }: QueuedAnnotation, model: string): Ask {
  const { jsonSchema, ...options } = settings;
  const schema = jsonSchema === undefined ? {} : { schema: jsonSchema };
  return { prompt, systemPrompt: system ?? SYSTEM_PROMPT, ...schema, model, options };
}

async function prepare(queue: Queue, id: string, { restart, retryFailed: retry }: QueuedAnnotation): Promise<void> {
  if (!restart && !retry) return;
  const isThere = (await listRuns(queue)).some((run) => run.id === id);
  if (!isThere) return;
  if (restart) await deleteRun(queue, id);
  else await retryFailed(queue, id);
}

async function runJob(
  command: Command,
  queue: Queue,
  { id, ask }: { id: string; ask: Ask },
  { paths, submit, progress }: QueuedAnnotation,
  signal: AbortSignal,
): Promise<JobReport> {
  const pages = await openPages(command);
  try {
    const computing = submit ? undefined : await openComputing(command, pages, signal);
    const shown = new RunProgress(progress);
    try {
      const report = await annotateJob({
        ...{ queue, ask, run: id, signal, wait: !submit, onProgress: shown.update },
        source: sourcesOf(paths),
        pagesOf: pages.count,
        ...(computing === undefined ? {} : { compute: computing.compute, slots: computing.slots }),
        ...(computing?.quarantine === undefined ? {} : { quarantine: computing.quarantine }),
      });
      shown.end(report);
      return report;
    } catch (error) {
      shown.end();
      throw error;
    } finally {
      await computing?.close();
    }
  } finally {
    await pages.close();
  }
}

async function* sourcesOf(paths: readonly string[]): AsyncGenerator<Source, void, undefined> {
  const leftOut: LeftOut = { files: 0 };
  for await (const file of documentFiles(paths, leftOut)) yield { path: path.resolve(file), id: file };
  tellLeftOut(leftOut);
}
