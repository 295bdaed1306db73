import { columnsOf } from "./columns.js";
import { failureLine, failuresFile, type FailuresOptions } from "./failures.js";
import type { Sink } from "./sink.js";
import { writeFiles } from "./whole-file.js";

/** Options of exports to flat tables. */
export interface TableOptions extends FailuresOptions {
  /** The schema of answers: each of its properties is a column. Default: one column with the text. */
  schema?: unknown;
}

/**
 * CSV by RFC 4180: commas, quotes where they are needed, CR LF, UTF-8, names in the first line. Nothing is an empty field, an empty
 * text `""`. What failed is in `NAME.failures.jsonl` beside it; see {@link toJsonl}.
 *
 * @throws BatchError (the sink rejects) `OUTPUT_UNWRITABLE`
 */
export function toCsv(file: string, { schema, ...where }: TableOptions = {}): Sink {
  const columns = columnsOf(schema);
  return (rows) =>
    writeFiles([file, failuresFile(file, where)], async ([table, failures]) => {
      await table!.write(line(columns.map(({ name }) => name)));
      for await (const row of rows) {
        if (row.state === "done") await table!.write(line(columns.map(({ of }) => of(row))));
        else await failures!.write(failureLine(row));
      }
    });
}

function line(values: readonly unknown[]): string {
  return `${values.map(field).join(",")}\r\n`;
}

function field(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
