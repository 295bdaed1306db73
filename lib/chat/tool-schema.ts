/** Checks tools, and the calls that messages hold. */
import * as v from "valibot";
import { any, list, object, text } from "../validation/fields.js";
import { jsonDepth, jsonFault, type Key } from "../validation/json-fault.js";
import { JsonError, loads } from "./jinja/json-loads.js";
import { jsonText } from "./jinja/json.js";
import { Dict } from "./jinja/values.js";
import type { FunctionTool, Tool, ToolCall } from "./types.js";

/** A tool with its defaults. */
export interface ResolvedTool {
  readonly name: string;
  /** Undefined: none. */
  readonly description?: string | undefined;
  /** A copy of its own. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * The tools with each of their texts replaced.
 *
 * @param replace its `isOptional` is true for what a template's form of tools may have no place for: all but names and
 * descriptions
 */
export function mapTools(
  tools: readonly ResolvedTool[],
  replace: (text: string, isOptional: boolean) => string,
): ResolvedTool[] {
  const inside = (value: unknown): unknown => {
    if (typeof value === "string") return replace(value, true);
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [replace(key, true), inside(item)]));
  };
  return tools.map(({ name, description, parameters }) => ({
    name: replace(name, false),
    description: description === undefined ? undefined : replace(description, false),
    parameters: inside(parameters) as ResolvedTool["parameters"],
  }));
}

/** A call whose arguments were checked: they are a JSON object. */
export interface ResolvedCall {
  readonly id: string;
  readonly name: string;
  /** As they were given where that was a text, without white space around it. */
  readonly arguments: string;
}

/** Most tools of a request. */
const MAX_TOOLS = 512;
/** Most characters of JSON that their parameters have in all. */
const MAX_PARAMETERS = 2 ** 20;

/** The name of a tool. */
export const toolName = any<string>(
  (value) => typeof value === "string" && /^[\w.-]{1,64}$/.test(value),
  "1 to 64 letters, digits, dots, dashes or underscores",
);

const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** An object as JSON has it; what JSON has no word for is refused, and not left out. */
const jsonObject = v.pipe(
  any<object>(isMap, "an object"),
  v.rawTransform(({ dataset, addIssue, NEVER }): string => {
    try {
      return writeJson(dataset.value);
    } catch (error) {
      const { message } = error as Error;
      const path = error instanceof WriteError ? issuePath(dataset.value, error.at) : undefined;
      addIssue(path === undefined ? { message: `must be an object of JSON: it ${message}` } : { message, path });
      return NEVER;
    }
  }),
);

/** Nested as deep as templates and grammars take it. */
const MAX_DEPTH = 128;

/** Of a value that JSON cannot write: why, and where. */
class WriteError extends JsonError {
  constructor(
    message: string,
    readonly at: readonly Key[] = [],
  ) {
    super(message);
  }
}

function writeJson(value: object): string {
  let json: string;
  try {
    json = JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === "number" && !Number.isFinite(item)) throw new JsonError("holds a number that JSON has not");
      if (typeof item === "function" || typeof item === "symbol") throw new JsonError(`holds a ${typeof item}`);
      return item;
    });
  } catch (error) {
    if (error instanceof JsonError) throw error;
    const { message = "cannot be written as JSON", at } = jsonFault(value, MAX_DEPTH) ?? {};
    throw new WriteError(message, at);
  }
  if (jsonDepth(json) > MAX_DEPTH) throw new WriteError(`is nested too deeply: use at most ${MAX_DEPTH} levels`);
  return json;
}

/** The path of an issue within a value. */
function issuePath(value: object, at: readonly Key[]): [v.IssuePathItem, ...v.IssuePathItem[]] | undefined {
  const [first, ...rest] = at.map((key): v.IssuePathItem => ({
    type: "unknown",
    origin: "value",
    input: value,
    key,
    value: undefined,
  }));
  return first === undefined ? undefined : [first, ...rest];
}

const parametersSchema = v.optional(
  v.pipe(
    jsonObject,
    v.transform((json) => JSON.parse(json) as Readonly<Record<string, unknown>>),
  ),
  () => ({ type: "object", properties: {} }),
);

const entries = { name: toolName, description: v.optional(text()), parameters: parametersSchema };
const plainTool = v.pipe(object(entries), v.transform(resolved));
const functionTool = v.pipe(
  object({
    type: v.literal("function"),
    function: v.pipe(
      object({ ...entries, strict: v.optional(v.nullable(v.boolean("must be true or false"))) }),
      v.transform(resolved),
    ),
  }),
  v.transform(({ function: tool }) => tool),
);

function resolved({ name, description, parameters }: ResolvedTool): ResolvedTool {
  return { name, description, parameters };
}

const toolSchema = v.lazy((input): v.GenericSchema<Tool | FunctionTool, ResolvedTool> => {
  return isMap(input) && "function" in (input as object) ? functionTool : plainTool;
});

/** Checks a request's tools and fills in the defaults. */
export const toolsSchema = v.optional(
  v.pipe(
    list(toolSchema, "tools"),
    v.check((tools) => tools.length <= MAX_TOOLS, `must hold at most ${MAX_TOOLS} tools`),
    // They are written into the prompt, and made a grammar of, while nothing else runs.
    v.check(
      (tools) => tools.reduce((sum, { parameters }) => sum + JSON.stringify(parameters).length, 0) <= MAX_PARAMETERS,
      `must have parameters of at most ${MAX_PARAMETERS} characters of JSON in all`,
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const names = dataset.value.map(({ name }) => name);
      const again = names.findIndex((name, i) => names.indexOf(name) < i);
      if (again < 0) return;
      addIssue({
        message: `must be unique: "${names[again]!}" stands there twice`,
        path: [
          { type: "array", origin: "value", input: names, key: again, value: dataset.value[again] },
          { type: "object", origin: "value", input: {}, key: "name", value: names[again] },
        ],
      });
    }),
  ),
  () => [],
);

/** Arguments, as their text. */
const argumentsSchema = v.pipe(
  any<string | object>((value) => typeof value === "string" || isMap(value), "a JSON object, as text or as a value"),
  v.rawTransform(({ dataset, addIssue, NEVER }): string => {
    const given = dataset.value;
    try {
      // Clients write no arguments as the empty text, too.
      const text = typeof given === "string" ? given.trim() || "{}" : writeJson(given);
      const value = loads(text);
      if (value instanceof Dict) return typeof given === "string" ? text : jsonText(value);
      addIssue({ message: "must be a JSON object" });
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      const path = error instanceof WriteError ? issuePath(given as object, error.at) : undefined;
      const { message } = error;
      addIssue(path === undefined ? { message: `must be a JSON object: it ${message}` } : { message, path });
    }
    return NEVER;
  }),
);

/** An id goes into some templates. */
export const callIdSchema = any<string>(
  (value) => typeof value === "string" && value.length >= 1 && value.length <= 256,
  "a string of 1 to 256 characters",
);

const callSchema: v.GenericSchema<ToolCall, ResolvedCall> = v.pipe(
  object({
    id: callIdSchema,
    name: toolName,
    arguments: argumentsSchema,
    // A call of a result goes into a message as it is.
    value: v.optional(v.unknown()),
  }),
  v.transform(({ id, name, arguments: json }) => ({ id, name, arguments: json })),
);

/** Checks `toolCalls` of a message. */
export const toolCallsSchema = v.pipe(
  list(callSchema, "calls"),
  v.check((calls) => new Set(calls.map(({ id }) => id)).size === calls.length, "must have ids that are unique"),
);
