/** What a JSON schema can say of a field: for documents of an API that passes options on. */
import type * as v from "valibot";
import type { JsonSchema } from "../schema/types.js";

interface Described {
  type: string;
  wrapped?: v.GenericSchema;
  default?: unknown;
  item?: v.GenericSchema;
  entries?: Record<string, v.GenericSchema>;
  options?: readonly unknown[];
  literal?: unknown;
  pipe?: readonly unknown[];
}

/** Names of schemas that say their type by their own. */
const plainTypes: Readonly<Record<string, string>> = { boolean: "boolean", string: "string", number: "number" };

/**
 * The JSON schema of a field of fields.ts. It says less than the field's own check: checks that are code are left out, and
 * what has no form in JSON (`AbortSignal`, typed arrays) is not told apart.
 */
export function toJsonSchema(schema: v.GenericSchema): JsonSchema {
  const field = schema as unknown as Described;
  const notes = (field.pipe ?? []).map((step) => (step as { metadata?: { jsonSchema?: object } }).metadata?.jsonSchema);
  return Object.assign({}, ofType(field), ...notes) as JsonSchema;
}

function ofType({ type, wrapped, default: value, item, entries, options, literal, pipe }: Described): object {
  // In a pipe the first step is the schema itself, without its notes; of a field in a field that has notes of its own, with.
  const [first] = pipe ?? [];
  const inner = (first as Described | undefined)?.pipe === undefined ? {} : toJsonSchema(first as v.GenericSchema);
  if (type === "optional" && wrapped !== undefined) {
    const shown = typeof value === "function" || value === undefined ? {} : { default: value };
    return { ...toJsonSchema(wrapped), ...shown };
  }
  if (type === "array" && item !== undefined) return { type: "array", items: toJsonSchema(item), ...inner };
  if (type === "picklist") return { enum: options };
  if (type === "literal") return { const: literal };
  if (type === "strict_object" && entries !== undefined) return { ...objectOf(entries), ...inner };
  const plain = plainTypes[type];
  return plain === undefined ? inner : { type: plain, ...inner };
}

/** The JSON schema of an object with these fields and no others. */
export function objectOf(entries: Readonly<Record<string, v.GenericSchema>>): JsonSchema {
  const fields = Object.entries(entries);
  const required = fields.filter(([, { type }]) => type !== "optional").map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, field]) => [name, toJsonSchema(field)])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}
