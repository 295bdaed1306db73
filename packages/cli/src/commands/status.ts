import { status, type RunStatus } from "@medinfer/batch";
import type { Command } from "commander";
import { hostsOf } from "../batch/run-progress.js";
import { tell } from "../complaint.js";
import { addQueueFlag, withQueue } from "../flags/queue-flags.js";
import { printJson, printLine, printTable } from "../output.js";
import { duration, rateOf } from "../terminal/display.js";

const examples = `
Examples:
  medinfer status --queue postgres://medinfer@db/medinfer
  medinfer status --queue dir:results/.medinfer --json | jq '.[0].codes'`;

/** `medinfer status` */
export function addStatus(program: Command): void {
  const command = program
    .command("status")
    .description("how far the runs of a queue are")
    .argument("[run]", "one run; default: all")
    .option("--json", "print JSON, with what failed by its code and what each host does");
  addQueueFlag(command).addHelpText("after", examples).action(run);
}

async function run(name: string | undefined, { json }: { json?: true }, command: Command): Promise<void> {
  const runs = await withQueue(command, (queue) => status(queue, name));
  if (json) return printJson(runs);
  if (runs.length === 0) return tell("the queue has no run");
  const heads = ["run", "inputs", "done", "failed", "quarantined", "running", "queued", "rows/s", "left"];
  printTable([heads, ...runs.map(rowOf)]);
  for (const each of runs) for (const host of hostsOf(each)) printLine(`${each.run}  ${host}`);
}

function rowOf({ run: name, enumerated, rate, secondsLeft, ...counts }: RunStatus): string[] {
  const { inputs, done, failed, quarantined, running, queued } = counts;
  const isOver = enumerated && running + queued === 0;
  return [
    name,
    // More may come.
    `${inputs}${enumerated ? "" : "+"}`,
    ...[done, failed, quarantined, running, queued].map(String),
    rate === undefined ? "-" : rateOf(rate),
    isOver ? "over" : secondsLeft === undefined ? "-" : duration(secondsLeft),
  ];
}
