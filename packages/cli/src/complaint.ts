import process from "node:process";
import { BatchError } from "@medinfer/batch";
import { ExtractError } from "@medinfer/extract";
import { MedInferError } from "medinfer";
import { ServerError } from "./remote/server-error.js";
import { onOneLine } from "./shorten.js";

/** What is wrong, in one line, without a word of what was read. */
export function complaintOf(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof MedInferError || error instanceof ServerError) return `${error.code}: ${onOneLine(message)}`;
  if (error instanceof BatchError || error instanceof ExtractError) return `${error.code}: ${onOneLine(message)}`;
  return `INTERNAL: ${defect(error)}: please report it`;
}

/** What and where, without its message: that could quote what was read. */
function defect(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const frame = /^ {4}at (.*)$/m.exec(error.stack ?? "")?.[1] ?? "an unknown place";
  return `an unexpected ${error.name} at ${onOneLine(frame)}`;
}

/** A line for the user, beside what was asked for. */
export function tell(line: string): void {
  process.stderr.write(`medinfer: ${line}\n`);
}
