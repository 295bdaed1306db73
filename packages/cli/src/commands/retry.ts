import { retryFailed } from "@medinfer/batch";
import type { Command } from "commander";
import { oneRun } from "../batch/run-name.js";
import { tell } from "../complaint.js";
import { addQueueFlag, withQueue } from "../flags/queue-flags.js";
import { printJson } from "../output.js";

interface RetryCommandOptions {
  failed?: true;
  quarantined?: true;
  code?: string[];
  json?: true;
}

const examples = `
What they have as a result is given up. Workers compute them, or medinfer annotate, called as before. Documents that could not be
read at all are looked at anew by medinfer annotate alone.

Examples:
  medinfer retry --failed --queue dir:results/.medinfer
  medinfer retry --failed --code ANSWER_CUT --queue postgres://medinfer@db/medinfer 3f1a5b7c9d0e2f46`;

/** `medinfer retry` */
export function addRetry(program: Command): void {
  const command = program
    .command("retry")
    .description("queue a run's failed rows again")
    .argument("[run]", "its name; may be left out where the queue has one")
    .option("--failed", "rows that have failed")
    .option("--quarantined", "also those that have ended their workers; they run alone")
    .option("--code <name>", "those with this error alone; can be repeated", (code, codes: string[] = []) => [
      ...codes,
      code,
    ])
    .option("--json", "print JSON");
  addQueueFlag(command).addHelpText("after", examples).action(run);
}

async function run(name: string | undefined, options: RetryCommandOptions, command: Command): Promise<void> {
  const { failed, quarantined = false, code: codes, json } = options;
  if (!failed) command.error("--failed is needed: it says which rows");
  const result = await withQueue(command, async (queue) => {
    const { id } = await oneRun(queue, name);
    const rows = await retryFailed(queue, id, { quarantined, ...(codes === undefined ? {} : { codes }) });
    return { run: id, rows };
  });
  if (json) return printJson(result);
  tell(`run ${result.run}: ${result.rows} rows are queued again`);
}
