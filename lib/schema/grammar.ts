/** From the options of a request to the grammar that its answer follows. */
import { loadAddon } from "../native/addon.js";
import { argumentError, isArgumentError } from "../errors.js";
import { Memo } from "../memo.js";
import { BROKEN_TEXT, brokenTextPlace, jsonFault, type Key } from "../validation/json-fault.js";
import { pathOf } from "../validation/parse.js";
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

/** As deep as the grammar's maker takes it. */
const MAX_DEPTH = 200;

function schemaGrammar(schema: JsonSchema, call: string, path: string): string {
  const text = textOf(schema, call, path);
  try {
    return grammars.get(text, () => loadAddon().jsonSchemaToGrammar(text));
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    const broken = brokenTextPlace(JSON.parse(text));
    if (broken !== undefined) throw argumentError(call, placeIn(path, broken), BROKEN_TEXT);
    throw argumentError(call, path, error.message.replace(/^jsonSchema: /, ""));
  }
}

function textOf(schema: unknown, call: string, path: string): string {
  const no = "must be a JSON schema: an object that JSON can write";
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) throw argumentError(call, path, no);
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch {
    const { message = no, at = [] } = jsonFault(schema, MAX_DEPTH) ?? {};
    throw argumentError(call, placeIn(path, at), message);
  }
  // Of one whose toJSON gives nothing.
  if (text === undefined) throw argumentError(call, path, no);
  return text;
}

const placeIn = (path: string, at: readonly Key[]) =>
  pathOf([...(path === "" ? [] : [path]), ...at].map((key) => ({ key })));

/** The value of a finished text; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
