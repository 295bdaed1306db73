import { statSync } from "node:fs";
import process from "node:process";
import type { JobReport } from "@medinfer/batch";
import { embeddedCalibration } from "@medinfer/extract";
import { Option, type Command } from "commander";
import { jsonSchemaToGrammar, type AnnotateOptions, type JsonSchema } from "medinfer";
import { annotateFiles, requireVision, type RowSink } from "../annotate/annotate-files.js";
import { digestAsked } from "../annotate/identity.js";
import { Progress, type Counts } from "../annotate/progress.js";
import type { FailedRow } from "../annotate/read-rows.js";
import { RowFile } from "../annotate/row-file.js";
import { rowsToRetry } from "../annotate/rows-to-retry.js";
import { annotateInQueue, isFolderName } from "../batch/annotate-in-queue.js";
import { formatOption, tableFormats, type TableFormat } from "../batch/export-files.js";
import { reportOf } from "../batch/report.js";
import { tell } from "../complaint.js";
import { documentFiles, tellLeftOut, type LeftOut } from "../documents/document-files.js";
import { SOME_FAILED } from "../exit-status.js";
import { addDocumentFlags, documentPassword } from "../flags/document-flags.js";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { addQueueFlag, queueUrl } from "../flags/queue-flags.js";
import { addRequestFlags, requestSettings } from "../flags/request-flags.js";
import { addServerFlags } from "../flags/server-flags.js";
import type { Settings } from "../flags/settings.js";
import { readMessage } from "../input.js";
import { Interrupted, serviceSignals, withInterrupt } from "../interrupt.js";
import { toSize } from "../numbers.js";
import { printJson, printLineWhenRead } from "../output.js";
import { duration, progressKinds, type ProgressKind } from "../terminal/display.js";

interface AnnotateCommandOptions {
  prompt?: string;
  promptFile?: string;
  system?: string;
  out?: string;
  restart?: true;
  retryFailed?: true;
  evidence?: true;
  concurrency?: number;
  progress: ProgressKind;
  model?: string;
  mmproj?: string;
  passwordFile?: string;
  format: readonly TableFormat[];
  run?: string;
  submit?: true;
  json?: true;
}

const examples = `
PDF, DICOM, TIFF, HEIC, AVIF, WebP, BMP, JPEG, PNG and GIF are read; each page is a row. Every line of the table is
{"id", "file", "page", "pageCount", "text", "parsed", "finishReason", "usage", "error"}. A run that was stopped, or killed, goes
on where it was when it is started again in the same way. What cannot be read becomes a row with an error; the exit status is
then 3. They are asked again with --retry-failed alone.

With --queue, or --out FOLDER/, rows go through a queue that loses nothing, which other hosts may work on: see medinfer worker.

Examples:
  medinfer annotate scans/ --prompt "Which drugs are on it?" --out rows.jsonl
  medinfer annotate scans/ more.pdf --prompt-file prompt.txt --json-schema drugs.json --temperature 0 --out rows.jsonl
  medinfer annotate scans/ --prompt "Which drugs are on it?" --out rows.jsonl --retry-failed
  medinfer annotate scans/ --prompt "Which drugs are on it?" --out results/ --format jsonl,csv
  medinfer annotate scans/ --prompt "Which drugs are on it?" --queue postgres://medinfer@db/medinfer --out results/
  medinfer annotate one.png --prompt "What is this?" | jq -r .text`;

/** `medinfer annotate` */
export function addAnnotate(program: Command): void {
  const command = program
    .command("annotate")
    .description("ask the same of many documents, one row for each page; goes on after a kill")
    .argument("<documents...>", "files, and folders, which are read with all that are in them")
    .option("--prompt <text>", "what is asked of every page")
    .addOption(new Option("--prompt-file <file>", "the same, from a file; - is stdin").conflicts("prompt"))
    .option("--system <text>", "the system message; default: You are a helpful assistant.")
    .option(
      "--out <place>",
      "the table, as JSON lines, or FOLDER/; without it rows are printed, and a stopped run begins anew",
    )
    .option("--restart", "give up the rows that are there, and begin anew")
    .addOption(new Option("--retry-failed", "ask again for the pages whose rows have an error").conflicts("restart"))
    .option("--evidence", "with each value how likely it is right and where it stands; needs --json-schema")
    .option("--concurrency <rows>", "most rows under way at once; default: twice the batch size", toSize)
    .addOption(
      new Option("--progress <kind>", "auto: a bar at a terminal, and nothing elsewhere; plain: lines")
        .choices(progressKinds)
        .default("auto"),
    )
    .option("--json", "print what became of the run as JSON, with --out or --queue");
  addQueueFlag(addDocumentFlags(command), "; default with --out FOLDER/: dir:FOLDER/.medinfer")
    .option("--run <name>", "the run's name in the queue; default: of what is asked, and of which folders")
    .addOption(formatOption(tableFormats, ["jsonl"]))
    .option("--submit", "queue the rows, and end: workers compute them")
    .option("--no-child", "run what has ended a worker in this process: there is no memory for a second model");
  addServerFlags(addModelFlags(addRequestFlags(command, "annotate")))
    .addHelpText("after", examples)
    .action(run);
}

async function run(paths: string[], options: AnnotateCommandOptions, command: Command): Promise<void> {
  const queue = queueOf(options, command);
  refuseMismatch(options, queue, command);
  const prompt =
    options.prompt ?? (options.promptFile === undefined ? undefined : await readMessage(options.promptFile));
  if (prompt === undefined || prompt === "") return command.error("--prompt or --prompt-file is needed: what to ask");
  const settings = await requestSettings(command, "annotate");
  if (settings.jsonSchema !== undefined) jsonSchemaToGrammar(settings.jsonSchema as JsonSchema);
  if (options.evidence) {
    if (settings.jsonSchema === undefined) command.error("--evidence needs --json-schema: it is of values");
    settings.nProbs = 1;
  }
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  if (queue !== undefined) {
    const report = await withInterrupt((signal) => {
      const asked = queued(paths, prompt, options, settings, queue);
      return annotateInQueue(command, asked, signal);
    }, serviceSignals);
    return tellReport(report, seconds(), options);
  }
  const counts = await withInterrupt((signal) => annotate(paths, prompt, options, settings, command, signal));
  if (counts.failed > 0) process.exitCode = SOME_FAILED;
  if (options.json) return printJson({ ...counts, seconds: seconds() });
  if (options.out !== undefined || counts.failed > 0) tell(`${summary(counts)}, in ${duration(seconds())}`);
}

/** The URL of the queue that rows go through; undefined: through none. */
function queueOf({ out }: AnnotateCommandOptions, command: Command): string | undefined {
  const given = queueUrl(command);
  if (given !== undefined) return given;
  return out !== undefined && isFolder(out) ? `dir:${out.replace(/[/\\]+$/, "")}/.medinfer` : undefined;
}

function isFolder(out: string): boolean {
  return isFolderName(out) || (statSync(out, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

function refuseMismatch(
  { out, restart, retryFailed, json, submit }: AnnotateCommandOptions,
  queue: string | undefined,
  command: Command,
): void {
  if (queue === undefined && out === undefined && (restart || retryFailed || json)) {
    command.error("--restart, --retry-failed and --json need --out or --queue");
  }
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  const ofQueues = ["run", "format", "submit", "child", "url"].find(isGiven);
  if (queue === undefined && ofQueues !== undefined) {
    command.error(`--${ofQueues === "child" ? "no-child" : ofQueues} needs --queue or --out FOLDER/`);
  }
  if (isGiven("format") && (out === undefined || !isFolder(out))) command.error("--format needs --out FOLDER/");
  if (submit && out !== undefined) command.error("--submit waits for no result: leave --out out, and export later");
}

function queued(
  paths: readonly string[],
  prompt: string,
  options: AnnotateCommandOptions,
  settings: Settings,
  queue: string,
) {
  const { out, system, format, run: name, restart = false, retryFailed = false, submit = false, progress } = options;
  const place = out === undefined || isFolderName(out) || !isFolder(out) ? out : `${out}/`;
  return {
    ...{ paths, prompt, system, settings, queueUrl: queue, out: place, formats: format, run: name },
    ...{ restart, retryFailed, submit, progress },
  };
}

function tellReport(report: JobReport, seconds: number, { json, submit }: AnnotateCommandOptions): void {
  if (!submit && report.failed + report.quarantined > 0) process.exitCode = SOME_FAILED;
  if (json) return printJson({ ...report, seconds });
  if (submit) return tell(`run ${report.run}: ${report.inputs} rows are queued`);
  tell(`run ${report.run}: ${reportOf(report)}, in ${duration(seconds)}`);
}

async function annotate(
  paths: readonly string[],
  prompt: string,
  options: AnnotateCommandOptions,
  settings: Settings,
  command: Command,
  signal: AbortSignal,
): Promise<Counts> {
  const { out, system, model, mmproj, concurrency, restart = false, retryFailed = false, progress } = options;
  const password = await documentPassword(options.passwordFile);
  const calibration = model === undefined && mmproj === undefined ? embeddedCalibration : undefined;
  const total = await count(paths, signal);
  const asked = await digestAsked({ prompt, systemPrompt: system, settings, model, mmproj });
  // Before the model is loaded, which may take long.
  const retry = retryFailed ? (rows: readonly FailedRow[]) => rowsToRetry(rows, { paths, asked, signal }) : undefined;
  const table = out === undefined ? undefined : await RowFile.open(out, asked, { restart, retry });
  try {
    const engine = await loadEngine(command, { signal });
    try {
      requireVision(engine);
      return await annotateFiles(engine, paths, {
        asked,
        total,
        password,
        evidence: options.evidence ? { schema: settings.jsonSchema, calibration } : undefined,
        sink: table ?? printed,
        progress: new Progress(progress),
        options: {
          ...(settings as AnnotateOptions),
          prompt,
          signal,
          ...(system === undefined ? {} : { systemPrompt: system }),
          ...(concurrency === undefined ? {} : { concurrency }),
        },
      });
    } finally {
      await engine.close();
    }
  } finally {
    await table?.close();
  }
}

/** How many files there are. What folders hold beside images is told. */
async function count(paths: readonly string[], signal: AbortSignal): Promise<number> {
  const leftOut: LeftOut = { files: 0 };
  let total = 0;
  for await (const _file of documentFiles(paths, leftOut)) {
    if (signal.aborted) throw new Interrupted();
    total += 1;
  }
  tellLeftOut(leftOut);
  return total;
}

const printed: RowSink = {
  expect: () => {},
  isDone: () => undefined,
  add: (row) => printLineWhenRead(JSON.stringify(row)),
};

function summary({ total, skipped, written, failed }: Counts): string {
  const before = skipped === 0 ? "" : `, ${skipped} were there before`;
  return `${total} rows: ${written} written${before}, ${failed} failed`;
}
