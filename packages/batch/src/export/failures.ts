import path from "node:path";
import type { ResultRow } from "./sink.js";

/** Where what failed goes. */
export interface FailuresOptions {
  /** The file. Default: beside that of results, `rows.csv` has `rows.failures.jsonl`. */
  failures?: string;
}

export function failuresFile(file: string, { failures }: FailuresOptions): string {
  const { dir, name } = path.parse(file);
  return failures ?? path.join(dir, `${name}.failures.jsonl`);
}

/** A line of it. */
export function failureLine({ row, state, sources, attempt, errors, kills, host, error }: ResultRow): string {
  return `${JSON.stringify({ row, state, sources, attempt, errors, kills, host, error })}\n`;
}
