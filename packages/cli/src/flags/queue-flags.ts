import { existsSync } from "node:fs";
import { openQueue, type Queue } from "@medinfer/batch";
import { Option, type Command } from "commander";
import { MedInferError } from "medinfer";

/** Adds `--queue`. Its help never shows what the environment holds: that may have a password in it. */
export function addQueueFlag(command: Command, more = ""): Command {
  const url = new Option(
    "--queue <url>",
    `the queue: postgres://USER@HOST/DATABASE or dir:FOLDER${more}; with a password in MEDINFER_QUEUE`,
  );
  return command.addOption(url.env("MEDINFER_QUEUE"));
}

/** The queue's URL; undefined: none is named. An empty variable is none. */
export function queueUrl(command: Command): string | undefined {
  return command.opts<{ queue?: string }>().queue || undefined;
}

/**
 * Opens the queue that a command names, for as long as it is used. None is made in a folder where there is none: that is a typing error.
 *
 * @throws BatchError (rejects), or MedInferError `INVALID_ARGUMENT`
 */
export async function withQueue<T>(command: Command, use: (queue: Queue) => Promise<T>): Promise<T> {
  const url = queueUrl(command);
  if (url === undefined) return command.error("--queue, or MEDINFER_QUEUE, is needed: where the rows are");
  const [, folder] = /^dir:(.+)$/s.exec(url) ?? [];
  if (folder !== undefined && !existsSync(folder)) {
    throw new MedInferError("INVALID_ARGUMENT", "there is no queue in this folder: medinfer annotate makes one");
  }
  const queue = await openQueue(url);
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}
