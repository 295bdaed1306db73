import process from "node:process";
import { Option, type Command } from "commander";
import { jsonSchemaToGrammar, type AnnotateOptions, type JsonSchema } from "medinfer";
import { annotateFiles, requireVision, type RowSink } from "../annotate/annotate-files.js";
import { digestAsked } from "../annotate/identity.js";
import { imageFiles, type LeftOut } from "../annotate/image-files.js";
import { duration, makeProgress, progressKinds, type Counts, type ProgressKind } from "../annotate/progress.js";
import type { FailedRow } from "../annotate/read-rows.js";
import { RowFile } from "../annotate/row-file.js";
import { rowsToRetry } from "../annotate/rows-to-retry.js";
import { tell } from "../complaint.js";
import { SOME_FAILED } from "../exit-status.js";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { addRequestFlags, requestSettings } from "../flags/request-flags.js";
import type { Settings } from "../flags/settings.js";
import { readMessage } from "../input.js";
import { Interrupted, withInterrupt } from "../interrupt.js";
import { toCount } from "../numbers.js";
import { printJson, printLineWhenRead } from "../output.js";

interface AnnotateCommandOptions {
  prompt?: string;
  promptFile?: string;
  system?: string;
  out?: string;
  restart?: true;
  retryFailed?: true;
  concurrency?: number;
  progress: ProgressKind;
  model?: string;
  mmproj?: string;
  json?: true;
}

const examples = `
Every line of the table is {"id", "file", "text", "parsed", "finishReason", "usage", "error"}. A run that was stopped, or
killed, goes on where it was when it is started again in the same way. Images that cannot be read become rows with an
error; the exit status is then 3. They are asked again with --retry-failed alone.

Examples:
  medinfer annotate scans/ --prompt "Which drugs are on it?" --out rows.jsonl
  medinfer annotate scans/ more.png --prompt-file prompt.txt --json-schema drugs.json --temperature 0 --out rows.jsonl
  medinfer annotate scans/ --prompt "Which drugs are on it?" --out rows.jsonl --retry-failed
  medinfer annotate one.png --prompt "What is this?" | jq -r .text`;

/** `medinfer annotate` */
export function addAnnotate(program: Command): void {
  const command = program
    .command("annotate")
    .description("ask the same of many images, one row of a table each; goes on after a kill")
    .argument("<images...>", "files, and folders, which are read with all that are in them")
    .option("--prompt <text>", "what is asked of every image")
    .addOption(new Option("--prompt-file <file>", "the same, from a file; - is stdin").conflicts("prompt"))
    .option("--system <text>", "the system message; default: You are a helpful assistant.")
    .option("--out <file>", "the table, as JSON lines; without it rows are printed, and a stopped run begins anew")
    .option("--restart", "give up the rows that --out holds, and begin anew")
    .addOption(
      new Option("--retry-failed", "ask again for the images whose rows in --out have an error").conflicts("restart"),
    )
    .option("--concurrency <rows>", "most rows under way at once; default: twice the batch size", toCount)
    .addOption(
      new Option("--progress <kind>", "auto: a bar at a terminal, and nothing elsewhere; plain: lines")
        .choices(progressKinds)
        .default("auto"),
    )
    .option("--json", "print what became of the run as JSON, with --out");
  addModelFlags(addRequestFlags(command, "annotate")).addHelpText("after", examples).action(run);
}

async function run(paths: string[], options: AnnotateCommandOptions, command: Command): Promise<void> {
  const { out, restart, retryFailed, json } = options;
  if (out === undefined && (restart || retryFailed || json)) {
    command.error("--restart, --retry-failed and --json need --out");
  }
  const prompt =
    options.prompt ?? (options.promptFile === undefined ? undefined : await readMessage(options.promptFile));
  if (prompt === undefined || prompt === "") return command.error("--prompt or --prompt-file is needed: what to ask");
  const settings = await requestSettings(command, "annotate");
  if (settings.jsonSchema !== undefined) jsonSchemaToGrammar(settings.jsonSchema as JsonSchema);
  const begin = performance.now();
  const counts = await withInterrupt((signal) => annotate(paths, prompt, options, settings, command, signal));
  const seconds = (performance.now() - begin) / 1000;
  if (counts.failed > 0) process.exitCode = SOME_FAILED;
  if (json) return printJson({ ...counts, seconds });
  if (out !== undefined || counts.failed > 0) tell(`${summary(counts)}, in ${duration(seconds)}`);
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
        sink: table ?? printed,
        progress: makeProgress(progress),
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
  for await (const _file of imageFiles(paths, leftOut)) {
    if (signal.aborted) throw new Interrupted();
    total += 1;
  }
  if (leftOut.files > 0)
    tell(`${leftOut.files} files in the folders are left out: their names are not those of images`);
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
