import type { FileHandle } from "node:fs/promises";
import { MedInferError } from "medinfer";
import { shortenPath } from "../shorten.js";
import { DoneRows } from "./done-rows.js";
import { askedOf, rowIdPattern } from "./identity.js";
import type { Row } from "./row.js";

/** A row with an error, and the bytes of its line, the line break included. */
export interface FailedRow {
  id: string;
  file: string;
  begin: number;
  end: number;
}

/** What every row begins with. */
const BEGINNING = '{"id":"';
const NEWLINE = 10;

/**
 * Reads the rows that are whole, and cuts off the half line that a process may have left behind them when it was killed.
 *
 * @param asked the digest of what rows are asked now
 * @param onFailed is given each row with an error
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where it is no such table, or holds rows that were asked something else
 */
export async function readRows(
  handle: FileHandle,
  file: string,
  asked: string,
  onFailed: (row: FailedRow) => void = () => {},
): Promise<DoneRows> {
  const done = new DoneRows();
  const buffer = Buffer.alloc(1 << 20);
  let line: Buffer[] = [];
  let position = 0;
  let whole = 0;
  let number = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    // A file of another kind may have no lines at all.
    if (position === 0 && !isPartOf(BEGINNING, buffer.subarray(0, bytesRead))) throw noTable(file, 1);
    let begin = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = buffer.indexOf(NEWLINE, begin)) {
      line.push(Buffer.from(buffer.subarray(begin, end)));
      const row = readRow(Buffer.concat(line).toString(), file, (number += 1), asked);
      line = [];
      begin = end + 1;
      done.add(row.id, String(row.file), Boolean(row.error));
      if (row.error) onFailed({ id: row.id, file: String(row.file), begin: whole, end: position + begin });
      whole = position + begin;
    }
    line.push(Buffer.from(buffer.subarray(begin, bytesRead)));
    position += bytesRead;
  }
  if (whole === position) return done;
  if (!isPartOf(BEGINNING, Buffer.concat(line))) throw noTable(file, number + 1);
  await handle.truncate(whole);
  return done;
}

/** Whether the bytes begin so, as far as they go. */
function isPartOf(beginning: string, bytes: Buffer): boolean {
  return beginning.startsWith(bytes.subarray(0, beginning.length).toString("latin1"));
}

function readRow(line: string, file: string, number: number, asked: string): Partial<Row> & Pick<Row, "id"> {
  let row: Partial<Row> | null;
  try {
    row = JSON.parse(line) as Partial<Row> | null;
  } catch {
    throw noTable(file, number);
  }
  const id = row?.id;
  if (typeof id !== "string" || !rowIdPattern.test(id)) throw noTable(file, number);
  if (askedOf(id) !== asked) {
    const what = `${shortenPath(file)} has rows of another prompt, schema, model or other options`;
    throw new MedInferError("INVALID_ARGUMENT", `${what}: name another --out, or give them up with --restart`);
  }
  return { ...row, id };
}

function noTable(file: string, line: number): MedInferError {
  const what = `${shortenPath(file)} is no table of medinfer annotate (line ${line})`;
  return new MedInferError("INVALID_ARGUMENT", `${what}: name another --out`);
}
