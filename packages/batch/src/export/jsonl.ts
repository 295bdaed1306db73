import { failureLine, failuresFile, type FailuresOptions } from "./failures.js";
import type { Sink } from "./sink.js";
import { writeFiles } from "./whole-file.js";

/**
 * JSON lines, one for each row that is done: `{ row, sources, attempt, host, ms, value }`. What failed, was quarantined or has no
 * result yet is in a file of its own beside it, `NAME.failures.jsonl`. Both have their names when they are whole and on the disk;
 * only their owner may read them.
 *
 * @throws BatchError (the sink rejects) `OUTPUT_UNWRITABLE`
 */
export function toJsonl(file: string, where: FailuresOptions = {}): Sink {
  return (rows) =>
    writeFiles([file, failuresFile(file, where)], async ([results, failures]) => {
      for await (const row of rows) {
        if (row.state !== "done") {
          await failures!.write(failureLine(row));
          continue;
        }
        const { row: id, sources, attempt, host, ms, value } = row;
        await results!.write(`${JSON.stringify({ row: id, sources, attempt, host, ms, value })}\n`);
      }
    });
}
