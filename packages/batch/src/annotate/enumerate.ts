import { reconnecting } from "../database/reconnect.js";
import { addRows, type PreparedRow } from "../manifest/add-rows.js";
import { maintain } from "../manifest/maintain.js";
import type { Queue } from "../queue/queue.js";
import { prepareRows, type Source, type SourceReaders } from "./sources.js";

/** Rows of a transaction. */
const BATCH = 1000;
/** Sources that are read at once. */
const READING = 8;

/**
 * Adds all of a run's sources, in batches: memory does not grow with their number.
 *
 * @param onAdded is told after each batch
 * @throws (rejects) what the source throws; what was added stays
 */
export async function enumerate(
  queue: Queue,
  run: string,
  source: AsyncIterable<Source> | Iterable<Source>,
  readers: SourceReaders,
  onAdded: () => void,
): Promise<void> {
  let rows: PreparedRow[] = [];
  let batches = 0;
  // Where a table has grown to four times its size, what was known of it is wrong.
  let nextMaintenance = 1;
  const reading: Promise<PreparedRow[]>[] = [];
  const flush = async () => {
    const batch = rows;
    rows = [];
    await reconnecting(() => addRows(queue, run, batch), { signal: readers.signal });
    batches += 1;
    if (batches === nextMaintenance) {
      await reconnecting(() => maintain(queue), { signal: readers.signal });
      nextMaintenance *= 4;
    }
    onAdded();
  };
  const take = async () => {
    for (const row of await reading.shift()!) {
      rows.push(row);
      if (rows.length >= BATCH) await flush();
    }
  };
  for await (const each of source) {
    readers.signal?.throwIfAborted();
    const prepared = prepareRows(each, readers);
    // It is looked at in its turn.
    prepared.catch(() => {});
    reading.push(prepared);
    if (reading.length >= READING) await take();
  }
  while (reading.length > 0) await take();
  await flush();
  await reconnecting(() => maintain(queue), { signal: readers.signal });
}
