/** Results as files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { toCsv, toJsonl, toParquet, type ResultRow } from "../src/index.js";
import { columnsOf } from "../src/export/columns.js";
import { temporaryFolder } from "./support/queues.js";

const folder = temporaryFolder();

const schema = {
  type: "object",
  properties: {
    patient: { type: "object", properties: { name: { type: "string" }, age: { type: ["integer", "null"] } } },
    drugs: { type: "array", items: { type: "string" } },
    weight: { type: "number" },
    urgent: { type: "boolean" },
    page: { enum: ["front", "back"] },
  },
};

function row(index: number, over: Partial<ResultRow> = {}): ResultRow {
  return {
    ...{ run: "r", row: `id-${index}`, state: "done", attempt: 1, errors: 0, kills: 0, host: "h", ms: 5, error: null },
    sources: [{ ref: `/pages/${index}.png`, page: 1, id: null }],
    sha256: "ab".repeat(32),
    ended: "2026-12-01T10:00:00.000Z",
    value: {
      text: "{}",
      parsed: {
        patient: { name: 'Anna "A", M', age: index },
        drugs: ["a", "b"],
        weight: 70.5,
        urgent: true,
        page: "front",
      },
    },
    ...over,
  };
}

async function* rows(...given: ResultRow[]): AsyncGenerator<ResultRow> {
  yield* given;
}

const failed = row(9, { state: "failed", value: null, error: { code: "ANSWER_CUT", message: "not whole" } });

test("JSON lines: what is done, and what failed in a file of its own", async () => {
  const file = path.join(folder, "rows.jsonl");
  await toJsonl(file)(rows(row(1), failed, row(2)));
  const lines = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { row: string });
  expect(lines.map(({ row: id }) => id)).toEqual(["id-1", "id-2"]);
  expect(Object.keys(lines[0]!)).toEqual(["row", "sources", "attempt", "host", "ms", "value"]);
  const failures = JSON.parse(readFileSync(path.join(folder, "rows.failures.jsonl"), "utf8")) as object;
  expect(failures).toMatchObject({ row: "id-9", state: "failed", error: { code: "ANSWER_CUT" } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a file is whole or not there", async () => {
  const file = path.join(folder, "broken.jsonl");
  async function* broken(): AsyncGenerator<ResultRow> {
    yield row(1);
    throw new Error("the database is gone");
  }
  await expect(toJsonl(file)(broken())).rejects.toThrow("gone");
  expect(existsSync(file)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  await expect(toJsonl(path.join(folder, "no", "such.jsonl"))(rows())).rejects.toMatchObject({
    code: "OUTPUT_UNWRITABLE",
  });
  mkdirSync(path.join(folder, "taken.jsonl"));
  await expect(toJsonl(path.join(folder, "taken.jsonl"))(rows(row(1)))).rejects.toMatchObject({
    code: "OUTPUT_UNWRITABLE",
  });
});

test("CSV by RFC 4180: columns of the schema, quotes, CR LF", async () => {
  const file = path.join(folder, "rows.csv");
  const empty = row(2, { value: { text: "", parsed: { patient: { name: "", age: null }, drugs: [] } } });
  const lines = row(3, { value: { text: "", parsed: { patient: { name: "a\r\nb", age: -1 }, drugs: null } } });
  await toCsv(file, { schema })(rows(row(1), empty, lines, failed));
  expect(readFileSync(file, "utf8")).toBe(
    [
      "row,source,page,id,more_sources,patient.name,patient.age,drugs,weight,urgent,answer.page",
      'id-1,/pages/1.png,1,,,"Anna ""A"", M",1,"[""a"",""b""]",70.5,true,front',
      'id-2,/pages/2.png,1,,,"",,[],,,',
      'id-3,/pages/3.png,1,,,"a\r\nb",-1,,,,',
      "",
    ].join("\r\n"),
  );
  await toCsv(file)(rows(row(1, { value: { text: "a,b" } }), row(2, { value: 5 })));
  expect(readFileSync(file, "utf8").split("\r\n").slice(0, 3)).toEqual([
    "row,source,page,id,more_sources,text",
    'id-1,/pages/1.png,1,,,"a,b"',
    "id-2,/pages/2.png,1,,,5",
  ]);
});

test("a value of the user's own compute is the answer itself", () => {
  const column = columnsOf(schema).find(({ name }) => name === "patient.age")!;
  expect(column.of(row(1, { value: { patient: { age: 7 } } }))).toBe(7);
  expect(column.of(row(1, { value: null }))).toBe(null);
  expect(column.of(row(1, { value: "text" }))).toBe(null);
});

const installed = await import("hyparquet-writer" as string).then(
  () => true,
  () => false,
);

describe("Parquet", () => {
  test.skipIf(!installed)("columns with their types, in groups", async () => {
    const file = path.join(folder, "rows.parquet");
    const given = Array.from({ length: 4500 }, (_, i) => row(i));
    await toParquet(file, { schema })(rows(...given, failed));
    const { parquetReadObjects, parquetMetadata } = (await import("hyparquet" as string)) as {
      parquetReadObjects: (options: object) => Promise<Record<string, unknown>[]>;
      parquetMetadata: (buffer: ArrayBuffer) => { row_groups: unknown[] };
    };
    const bytes = readFileSync(file);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    expect(parquetMetadata(buffer).row_groups).toHaveLength(3);
    const read = await parquetReadObjects({ file: buffer });
    expect(read).toHaveLength(4500);
    expect(read[4321]).toEqual({
      ...{ row: "id-4321", source: "/pages/4321.png", page: 1n, id: null, more_sources: null, drugs: '["a","b"]' },
      ...{ "patient.name": 'Anna "A", M', "patient.age": 4321n, weight: 70.5, urgent: true, "answer.page": "front" },
    });
    const wrong = row(1, { value: { weight: "heavy" } });
    await expect(toParquet(file, { schema })(rows(wrong))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(readFileSync(file).length).toBe(bytes.length);
  });

  test.skipIf(installed)("says what to install", async () => {
    const file = path.join(folder, "rows.parquet");
    await expect(toParquet(file)(rows())).rejects.toThrow("npm install hyparquet-writer");
  });
});
