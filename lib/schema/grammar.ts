/** From the options of a request to the grammar that its answer follows. */
import { loadAddon } from "../native/addon.js";
import { argumentError, isArgumentError } from "../errors.js";
import { Memo } from "../memo.js";
import type { JsonSchema } from "./types.js";

/** By schema. A service asks for few forms again and again. */
const grammars = new Memo<string>(8);

/**
 * The GBNF grammar that a request with this `jsonSchema` follows, for a look at it. Every text that it admits satisfies
 * the schema. What no grammar keeps, such as `contains`, is refused by its path and name; nothing is ever fetched.
 *
 * @throws MedInferError `INVALID_ARGUMENT`
 */
export function jsonSchemaToGrammar(schema: JsonSchema): string {
  return schemaGrammar(schema, "jsonSchemaToGrammar", "");
}

/** The request's grammar in GBNF; empty: none. `call` is the call, as messages name it. */
export function grammarOf(options: { grammar?: string; jsonSchema?: JsonSchema }, call: string): string {
  if (options.jsonSchema === undefined) return options.grammar ?? "";
  if (options.grammar !== undefined) throw argumentError(call, "grammar", "cannot stand beside jsonSchema");
  return schemaGrammar(options.jsonSchema, call, "jsonSchema");
}

function schemaGrammar(schema: JsonSchema, call: string, path: string): string {
  const text = textOf(schema);
  if (text === undefined) throw argumentError(call, path, "must be a JSON schema: an object that JSON can write");
  try {
    return grammars.get(text, () => loadAddon().jsonSchemaToGrammar(text));
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    throw argumentError(call, path, error.message.replace(/^jsonSchema: /, ""));
  }
}

function textOf(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  try {
    return JSON.stringify(schema);
  } catch {
    return undefined; // a cycle, or a BigInt
  }
}

/** The value of a finished text; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
