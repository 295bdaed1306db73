/** The command `medinfer`: exit status 0, 1 where something failed, 2 where it was called wrongly. */
import process from "node:process";
import { CommanderError } from "commander";
import { MedInferError } from "medinfer";
import { endWithReader } from "./output.js";
import { makeProgram } from "./program.js";
import { onOneLine } from "./shorten.js";

const FAILED = 1;
const MISUSED = 2;

/** @param argv as `process.argv` */
export async function main(argv: readonly string[]): Promise<void> {
  endWithReader();
  try {
    await makeProgram().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = statusOf(error);
  }
}

/** Says what is wrong, in one line on stderr. */
function statusOf(error: unknown): number {
  // Commander has printed its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  if (error instanceof MedInferError) console.error(`medinfer: ${error.code}: ${onOneLine(error.message)}`);
  else console.error(`medinfer: INTERNAL: ${defect(error)}: please report it`);
  return FAILED;
}

/** What and where, without its message: that could quote what was read. */
function defect(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const frame = /^ {4}at (.*)$/m.exec(error.stack ?? "")?.[1] ?? "an unknown place";
  return `an unexpected ${error.name} at ${onOneLine(frame)}`;
}
