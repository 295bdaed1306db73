import type { ResultRow } from "./sink.js";

/** What a column holds. `json`: a list, or whatever a schema does not tell: as JSON text. */
export type ColumnType = "text" | "integer" | "number" | "boolean" | "json";

/** A column of a flat table. */
export interface Column {
  name: string;
  type: ColumnType;
  /** What a row has in it; null: nothing. */
  of: (row: ResultRow) => unknown;
}

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  enum?: unknown[];
}

/** Deeper objects stay JSON. */
const DEEPEST = 8;

/**
 * The columns of a run's table: what is known of each row, then the answer. With the schema of answers every property is a column,
 * those of objects in it with a dot between; lists are JSON. Without one, the answer's text.
 */
export function columnsOf(schema: unknown): Column[] {
  const about: Column[] = [
    { name: "row", type: "text", of: ({ row }) => row },
    { name: "source", type: "text", of: ({ sources }) => sources[0]?.ref ?? null },
    { name: "page", type: "integer", of: ({ sources }) => sources[0]?.page ?? null },
    { name: "id", type: "text", of: ({ sources }) => sources[0]?.id ?? null },
    { name: "more_sources", type: "json", of: ({ sources }) => (sources.length > 1 ? sources.slice(1) : null) },
  ];
  const { properties } = (schema ?? {}) as Schema;
  if (properties === undefined) return [...about, { name: "text", type: "text", of: ({ value }) => textOf(value) }];
  const taken = new Set(about.map(({ name }) => name));
  const answers = flatten(properties, [], 0).map(({ path, type }): Column => {
    const name = path.join(".");
    return { name: taken.has(name) ? `answer.${name}` : name, type, of: ({ value }) => at(parsedOf(value), path) };
  });
  return [...about, ...answers];
}

function flatten(
  properties: Record<string, Schema>,
  above: readonly string[],
  depth: number,
): { path: string[]; type: ColumnType }[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const path = [...above, key];
    if (schema.properties !== undefined && depth < DEEPEST) return flatten(schema.properties, path, depth + 1);
    return [{ path, type: typeOf(schema) }];
  });
}

function typeOf({ type, enum: values }: Schema): ColumnType {
  const types = [type].flat().filter((each) => each !== "null");
  if (types.length > 1) return "json";
  switch (types[0]) {
    case "string":
      return "text";
    case "integer":
    case "number":
    case "boolean":
      return types[0];
    case undefined:
    default:
      return values?.every((each) => typeof each === "string") === true ? "text" : "json";
  }
}

/** Adapters store an answer as `{ text, parsed }`; a `compute` of the user's may give the value itself. */
function parsedOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return "parsed" in value && "text" in value ? value.parsed : value;
}

function textOf(value: unknown): unknown {
  if (typeof value === "object" && value !== null && "text" in value) return value.text;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return null;
    found = (found as Record<string, unknown>)[key];
  }
  return found ?? null;
}
