/** What chat templates get in place of messages: texts alone. Marks stand in them for images and control tokens. */
import { loads } from "./jinja/json-loads.js";
import { Dict, type Value } from "./jinja/values.js";
import type { ResolvedCall } from "./tool-schema.js";
import type { TemplateMessage } from "./types.js";

/** A message of texts. */
export interface TemplateTurn {
  readonly role: string;
  readonly content: string;
  /** Undefined: none. */
  readonly calls?: readonly TurnCall[] | undefined;
  readonly reasoning?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly name?: string | undefined;
}

/** A call in a turn. */
export interface TurnCall {
  readonly id: string;
  readonly name: string;
  /** A dict, or JSON, as the template wants it. */
  readonly arguments: Value;
}

/** Which text of a turn. */
export interface TextPlace {
  /** The turn's index. */
  readonly turn: number;
  /** `"name"` and `"id"` are those of calls and results, `"key"` is one in the arguments of a call. */
  readonly part: "content" | "reasoning" | "name" | "id" | "key" | "argument";
  /** Of a call: its index. */
  readonly call?: number;
}

/** Calls as a template takes their arguments. */
export function callsFor(calls: readonly ResolvedCall[], form: "text" | "value"): TurnCall[] {
  return calls.map(({ id, name, arguments: json }) => ({ id, name, arguments: form === "text" ? json : loads(json) }));
}

/** The turns with each of their texts replaced, in a fixed order. */
export function mapTexts(
  turns: readonly TemplateTurn[],
  replace: (text: string, place: TextPlace) => string,
): TemplateTurn[] {
  return turns.map(({ role, content, calls, reasoning, toolCallId, name }, turn) => {
    const one = (text: string | undefined, part: TextPlace["part"]) =>
      text === undefined ? undefined : replace(text, { turn, part });
    return {
      role,
      content: replace(content, { turn, part: "content" }),
      calls: calls?.map((call, i) => ({
        id: replace(call.id, { turn, part: "id", call: i }),
        name: replace(call.name, { turn, part: "name", call: i }),
        arguments: mapValue(call.arguments, (text, part) => replace(text, { turn, part, call: i })),
      })),
      reasoning: one(reasoning, "reasoning"),
      toolCallId: one(toolCallId, "id"),
      name: one(name, "name"),
    };
  });
}

function mapValue(value: Value, replace: (text: string, part: "key" | "argument") => string): Value {
  if (typeof value === "string") return replace(value, "argument");
  if (Array.isArray(value)) return value.map((item) => mapValue(item, replace));
  if (!(value instanceof Dict)) return value;
  return Dict.from(
    [...value.entries()].map(([key, item]) => [replace(key as string, "key"), mapValue(item, replace)] as const),
  );
}

/** A turn for a template that is a function. REQUIRES: its calls have their arguments as text. */
export function toMessage({ role, content, calls, reasoning, toolCallId, name }: TemplateTurn): TemplateMessage {
  return {
    role,
    content,
    ...(calls === undefined
      ? {}
      : { toolCalls: calls.map((call) => ({ ...call, arguments: call.arguments as string })) }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCallId === undefined ? {} : { toolCallId }),
    ...(name === undefined ? {} : { name }),
  };
}
