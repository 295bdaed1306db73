import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { exportRun, toCsv, toJsonl, toParquet, type Queue, type Run, type Sink } from "@medinfer/batch";
import { InvalidArgumentError, Option } from "commander";
import { MedInferError } from "medinfer";
import { PRIVATE_FOLDER, unwritable } from "../private-file.js";
import { shortenPath } from "../shorten.js";

/** Tables that any run has. */
export const tableFormats = ["jsonl", "csv", "parquet"] as const;
export type TableFormat = (typeof tableFormats)[number];

/** `--format a,b`, which can be repeated. */
export function formatOption<T extends string>(choices: readonly T[], preset: readonly T[]): Option {
  const option = new Option("--format <names>", `files of results, with commas: ${choices.join(", ")}`);
  option.argChoices = [...choices];
  return option.default(preset, preset.join()).argParser((text: string, before: readonly T[] = preset): T[] => {
    const names = text.split(",") as T[];
    if (!names.every((name) => choices.includes(name))) {
      throw new InvalidArgumentError(`It has to be of ${choices.join(", ")}, with commas between.`);
    }
    return [...new Set([...(before === preset ? [] : before), ...names])];
  });
}

/** Makes the folder where it is missing; only its owner reads it. @throws MedInferError (rejects) `INVALID_ARGUMENT` */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * A table that `annotate` writes row by row is not overwritten by an export.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT`
 */
export async function refuseTable(file: string): Promise<void> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(7), 0, 7, 0);
    if (buffer.toString("latin1", 0, bytesRead) !== '{"id":"') return;
  } finally {
    await handle.close();
  }
  const what = `${shortenPath(file)} is a table of medinfer annotate without a queue`;
  throw new MedInferError("INVALID_ARGUMENT", `${what}: name another --out`);
}

/**
 * Writes a run's results as `rows.FORMAT` into a folder, with `failed.jsonl` of what failed, or has no result yet.
 *
 * @throws BatchError (rejects)
 */
export async function exportTables(queue: Queue, run: Run, folder: string, formats: readonly TableFormat[]) {
  for (const format of formats) await exportRun(queue, run.id, tableSink(run, folder, format));
}

function tableSink({ ask: { schema } }: Run, folder: string, format: TableFormat): Sink {
  const file = path.join(folder, `rows.${format}`);
  const failures = path.join(folder, "failed.jsonl");
  switch (format) {
    case "jsonl":
      return toJsonl(file, { failures });
    case "csv":
      return toCsv(file, { schema, failures });
    case "parquet":
      return toParquet(file, { schema, failures });
  }
}
