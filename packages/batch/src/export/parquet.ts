import { BatchError } from "../errors.js";
import { columnsOf, type Column, type ColumnType } from "./columns.js";
import type { TableOptions } from "./csv.js";
import { failureLine, failuresFile } from "./failures.js";
import type { ResultRow, Sink } from "./sink.js";
import { writeFiles, type WholeFile } from "./whole-file.js";

/** Rows of a row group: what is in memory at once. */
const GROUP = 2000;

/** Of hyparquet-writer 0.17, what is used. */
interface Hyparquet {
  ByteWriter: new () => { index: number; getBytes(): Uint8Array };
  ParquetWriter: new (options: { writer: unknown; schema: readonly object[]; createdBy: string }) => {
    write(options: { columnData: { name: string; data: unknown[] }[]; rowGroupSize: number }): void;
    finish(): void;
  };
}

/**
 * Parquet, compressed with Snappy: the columns of {@link toCsv} with their types; integers are INT64, numbers DOUBLE, lists JSON.
 * Needs the package hyparquet-writer. What failed is in `NAME.failures.jsonl` beside it; see {@link toJsonl}.
 *
 * @throws BatchError (the sink rejects) `OUTPUT_UNWRITABLE`, or `INVALID_ARGUMENT` where a value is not of its column's type, or
 * hyparquet-writer is missing
 */
export function toParquet(file: string, { schema, ...where }: TableOptions = {}): Sink {
  const columns = columnsOf(schema);
  return async (rows) => {
    const parquet = await load();
    await writeFiles([file, failuresFile(file, where)], async ([table, failures]) => {
      const bytes = new parquet.ByteWriter();
      const elements = [{ name: "root", num_children: columns.length }, ...columns.map(elementOf)];
      const writer = new parquet.ParquetWriter({ writer: bytes, schema: elements, createdBy: "medinfer" });
      let group: ResultRow[] = [];
      const writeGroup = async () => {
        const columnData = columns.map((column) => ({
          name: column.name,
          data: group.map((row) => cell(column, row)),
        }));
        writer.write({ columnData, rowGroupSize: GROUP });
        group = [];
        await drain(bytes, table!);
      };
      for await (const row of rows) {
        if (row.state !== "done") {
          await failures!.write(failureLine(row));
          continue;
        }
        group.push(row);
        if (group.length === GROUP) await writeGroup();
      }
      if (group.length > 0) await writeGroup();
      writer.finish();
      await drain(bytes, table!);
    });
  };
}

async function load(): Promise<Hyparquet> {
  try {
    // By a name that is not looked up before: whoever exports no Parquet needs it not.
    const name: string = "hyparquet-writer";
    return (await import(name)) as Hyparquet;
  } catch (cause) {
    throw new BatchError("INVALID_ARGUMENT", "Parquet is written by another package: npm install hyparquet-writer", {
      cause,
    });
  }
}

/** What was written so far; its place in the file goes on counting. */
async function drain(bytes: { index: number; getBytes(): Uint8Array }, file: WholeFile): Promise<void> {
  await file.write(bytes.getBytes().slice());
  bytes.index = 0;
}

/** Parquet's physical types, and how text is to be read. */
const physical: Record<ColumnType, object> = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  json: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
};

function elementOf({ name, type }: Column): object {
  return { name, repetition_type: "OPTIONAL", ...physical[type] };
}

function cell({ name, type, of }: Column, row: ResultRow): unknown {
  const value = of(row);
  if (value === null || value === undefined) return null;
  switch (type) {
    case "text":
      if (typeof value === "string") return value;
      break;
    case "json":
      return JSON.stringify(value);
    case "integer":
      if (Number.isInteger(value)) return BigInt(value as number);
      break;
    case "number":
      if (typeof value === "number") return value;
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
  }
  throw new BatchError(
    "INVALID_ARGUMENT",
    `toParquet: a row's "${name.slice(0, 60)}" is not of the schema's type (${type})`,
  );
}
