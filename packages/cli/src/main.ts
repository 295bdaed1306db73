/** The command `medinfer`; what it ends with is in exit-status.ts. */
import process from "node:process";
import { CommanderError } from "commander";
import { complaintOf, tell } from "./complaint.js";
import { FAILED, INTERRUPTED, MISUSED } from "./exit-status.js";
import { Interrupted } from "./interrupt.js";
import { endWithReader } from "./output.js";
import { makeProgram } from "./program.js";

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
  if (error instanceof Interrupted) {
    tell("interrupted");
    return INTERRUPTED;
  }
  tell(complaintOf(error));
  return FAILED;
}
