import { createHash } from "node:crypto";
import path from "node:path";
import { digestAsk, listRuns, type Ask, type Queue, type Run } from "@medinfer/batch";
import { MedInferError } from "medinfer";

/** Characters of a run's name. */
const NAME = 16;

/** A run's name where none is given: of what is asked and of which folders, so that the same command goes on with it. */
export function runName(ask: Ask, paths: readonly string[]): string {
  const places = paths.map((each) => path.resolve(each)).sort();
  return createHash("sha256")
    .update(JSON.stringify([digestAsk(ask), places]))
    .digest("hex")
    .slice(0, NAME);
}

/**
 * The run of this name; without a name the only one of the queue.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where there is none, or none is named and there are several
 */
export async function oneRun(queue: Queue, name: string | undefined): Promise<Run> {
  const runs = await listRuns(queue);
  const found = name === undefined ? runs : runs.filter(({ id }) => id === name);
  if (found.length === 1) return found[0]!;
  const what =
    found.length === 0 ? "the queue has no such run" : `the queue has ${found.length} runs: name one of them`;
  throw new MedInferError("INVALID_ARGUMENT", `${what}: see medinfer status`);
}
