import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { status, work, type Queue, type WorkerEvent } from "@medinfer/batch";
import type { Command } from "commander";
import { openComputing, openPages, type Computing } from "../batch/computing.js";
import { tell } from "../complaint.js";
import { addDocumentFlags } from "../flags/document-flags.js";
import { addModelFlags } from "../flags/model-flags.js";
import { addQueueFlag, withQueue } from "../flags/queue-flags.js";
import { addServerFlags } from "../flags/server-flags.js";
import { serviceSignals, withInterrupt } from "../interrupt.js";
import { toCount, toSize } from "../numbers.js";
import { shorten } from "../shorten.js";

/** Milliseconds between two looks whether there is something to do. */
const LOOK_MS = 500;

interface WorkerCommandOptions {
  run?: string;
  host?: string;
  idle?: number;
  grace: number;
}

const examples = `
One worker for each GPU host: it computes rows of all runs that ask its model, until SIGTERM or Ctrl-C. Rows under way then have
--grace seconds, and are given back; another signal ends it at once, and loses nothing either. Files have to be at the same path
on all hosts.

Examples:
  medinfer worker --queue postgres://medinfer@db/medinfer --model /models/medical-7b.gguf
  medinfer worker --queue postgres://medinfer@db/medinfer --url http://127.0.0.1:8080
  medinfer worker --queue dir:results/.medinfer --idle 5`;

/** `medinfer worker` */
export function addWorker(program: Command): void {
  const command = program
    .command("worker")
    .description("compute the rows of a queue, until SIGTERM or Ctrl-C")
    .option("--run <name>", "rows of this run alone")
    .option("--host <name>", "what this host is called in the queue; default: its name")
    .option("--concurrency <rows>", "most rows under way at once; default: twice the batch size, 8 at a server", toSize)
    .option("--idle <seconds>", "end when there was nothing to do for so long", toCount)
    .option("--grace <seconds>", "how long rows under way may take at the end", toCount, 10)
    .option("--no-child", "run what has ended a worker in this process: there is no memory for a second model");
  addServerFlags(addModelFlags(addQueueFlag(addDocumentFlags(command))))
    .addHelpText("after", examples)
    .action(run);
}

async function run(options: WorkerCommandOptions, command: Command): Promise<void> {
  await withInterrupt(
    (signal) =>
      withQueue(command, async (queue) => {
        const pages = await openPages(command);
        try {
          const computing = await openComputing(command, pages, signal);
          try {
            await workOn(queue, computing, options, signal);
          } finally {
            await computing.close();
          }
        } finally {
          await pages.close();
        }
      }),
    serviceSignals,
  );
}

async function workOn(
  queue: Queue,
  { compute, models, slots, quarantine }: Computing,
  { run: only, host = hostname(), idle, grace }: WorkerCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const counts = { done: 0, failed: 0, quarantined: 0 };
  const idleness = new Idleness();
  const ended = idle === undefined ? signal : AbortSignal.any([signal, idleness.after(idle, queue, host)]);
  tell(`working: ${slots} rows at once of runs that ask ${shorten([...models].join(", "))}`);
  await work({
    ...{ queue, compute, slots, host, signal: ended, graceMs: grace * 1000 },
    accepts: accepting(models),
    onEvent(event) {
      if (event.kind !== "settled") return tellEvent(event);
      idleness.settled();
      if (event.stored && event.outcome in counts) counts[event.outcome as keyof typeof counts] += 1;
    },
    ...(only === undefined ? {} : { run: only }),
    ...(quarantine === undefined ? {} : { quarantine }),
  });
  tell(`ended: ${counts.done} rows done, ${counts.failed} failed, ${counts.quarantined} quarantined here`);
}

/** Takes runs that ask one of the models, and tells of each other one once. */
function accepting(models: ReadonlySet<string>) {
  const left = new Set<string>();
  return ({ id, ask: { model = "" } }: { id: string; ask: { model?: string } }): boolean => {
    if (models.has(model)) return true;
    if (!left.has(id)) tell(`run ${id} is left to others: it asks the model ${shorten(model)}`);
    left.add(id);
    return false;
  };
}

function tellEvent(event: Exclude<WorkerEvent, { kind: "settled" }>): void {
  switch (event.kind) {
    case "database-lost":
      return tell("the queue's database does not answer: trying again");
    case "taken-over":
      return tell(`${event.rows} rows of a worker that is gone came back`);
    case "child-ended":
      return tell(`row ${event.row.slice(0, 16)} has ended its process`);
    case "claim-lost":
      return tell(`row ${event.row.slice(0, 16)} was taken over by others`);
  }
}

/** Tells when a worker has nothing to do. */
class Idleness {
  #settled = performance.now();

  settled(): void {
    this.#settled = performance.now();
  }

  /** Aborted when no row has ended for so many seconds, and none runs on the host. */
  after(seconds: number, queue: Queue, host: string): AbortSignal {
    const controller = new AbortController();
    const isBusy = async () => {
      if (performance.now() - this.#settled < seconds * 1000) return true;
      // A database that is away for a moment is no idleness.
      const runs = await status(queue).catch(() => undefined);
      return runs?.some(({ hosts }) => hosts.some((each) => each.host === host && each.running > 0)) ?? true;
    };
    const watch = async () => {
      do await sleep(LOOK_MS, undefined, { ref: false });
      while (await isBusy());
      controller.abort();
    };
    void watch();
    return controller.signal;
  }
}
