/** Options of the library's requests as flags: names, ranges and defaults are those of its `optionSchemas()`. */
import { InvalidArgumentError } from "commander";
import { optionSchemas } from "medinfer";

/** The part of a JSON schema that an option has. */
interface OptionSchema {
  type?: "number" | "integer" | "boolean" | "string" | "array";
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  enum?: readonly string[];
  items?: OptionSchema;
  default?: unknown;
}

/** An option that a flag sets. */
export interface Setting {
  /** The library's name, e.g. `"topP"`; also that of commander's value. */
  readonly name: string;
  /** The flag's, without dashes in front, e.g. `"top-p"`. */
  readonly flag: string;
  readonly inSampling: boolean;
  readonly schema: OptionSchema;
}

/** Options of requests: those of sampling stand in an object of their own. */
export interface Settings {
  sampling?: Record<string, unknown>;
  [name: string]: unknown;
}

/** What commands say in another way, or what has no place at a terminal. */
const left = new Set([
  ...["messages", "prompt", "images", "tools", "toolChoice", "parallelToolCalls", "adapters", "sampling"],
  ...["n", "bestOf", "cacheSalt", "priority", "nKeep", "nProbs", "promptLogprobs", "thinkingTags"],
  ...["jsonSchema", "grammar", "continueFinalMessage", "useChatTemplate"],
]);

/** A call of the library's. */
export type RequestCall = "chat" | "complete" | "annotate";

/** The options of a call that flags set, sampling last. */
export function settingsOf(call: RequestCall): Setting[] {
  const schemas = optionSchemas();
  const own = Object.entries(schemas[call === "annotate" ? "chat" : call].properties as Record<string, OptionSchema>);
  const sampling = Object.entries(schemas.sampling.properties as Record<string, OptionSchema>);
  return [
    ...own
      .filter(([name]) => !left.has(name) && !(call === "annotate" && name === "onContextFull"))
      .map(([name, schema]) => setting(name, schema, false)),
    ...sampling.map(([name, schema]) => setting(name, schema, true)),
  ];
}

function setting(name: string, schema: OptionSchema, inSampling: boolean): Setting {
  return { name, flag: kebab(name), inSampling, schema };
}

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What may stand behind the flag, and what holds without it. Of names that are the choice, commander tells. */
export function describeSetting(setting: Setting): string {
  const { type, items, default: held } = setting.schema;
  const parts = [
    ...(choicesOf(setting) === undefined ? [type === "boolean" ? "a switch" : kindOf(items ?? setting.schema)] : []),
    ...(type === "array" ? ["can be repeated"] : []),
    ...(held === undefined || typeof held === "object" ? [] : [`default ${JSON.stringify(held).replace(/"/g, "")}`]),
  ];
  return parts.join("; ");
}

/** Names that are the choice, of one value or of each in a list. */
export function choicesOf({ schema }: Setting): readonly string[] | undefined {
  return schema.enum ?? schema.items?.enum;
}

function kindOf({ type, enum: names, minimum, maximum, exclusiveMinimum }: OptionSchema): string {
  if (names !== undefined) return names.join(", ");
  if (type === "string") return "a text";
  if (type !== "number" && type !== "integer") return "a text or JSON";
  const what = type === "integer" ? "a whole number" : "a number";
  const bounded = maximum !== undefined && maximum < 2 ** 31 - 1 ? ` to ${maximum}` : "";
  if (exclusiveMinimum !== undefined) return `${what} above ${exclusiveMinimum}${bounded && `, up${bounded}`}`;
  if (minimum === undefined) return what;
  return bounded === "" ? `${what} of ${minimum} or more` : `${what} from ${minimum}${bounded}`;
}

/**
 * The value that a text stands for.
 *
 * @throws InvalidArgumentError without the text
 */
export function parseSetting({ schema }: Setting, text: string): unknown {
  return parseValue(schema.type === "array" ? (schema.items ?? {}) : schema, text);
}

function parseValue(schema: OptionSchema, text: string): unknown {
  const { type, enum: names } = schema;
  const wrong = () =>
    new InvalidArgumentError(`It has to be ${names === undefined ? "" : "one of "}${kindOf(schema)}.`);
  if (names !== undefined) {
    if (!names.includes(text)) throw wrong();
    return text;
  }
  if (type === "boolean") {
    if (text !== "true" && text !== "false") throw new InvalidArgumentError("It has to be true or false.");
    return text === "true";
  }
  if (type === "number" || type === "integer") {
    const value = text.trim() === "" ? NaN : Number(text);
    if (!within(schema, value)) throw wrong();
    return value;
  }
  if (type === "string") return text;
  // Of several forms: texts, or lists and objects as JSON.
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError("It begins like JSON and is none.");
  }
}

function within({ type, minimum = -Infinity, maximum = Infinity, exclusiveMinimum }: OptionSchema, value: number) {
  if (!Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) return false;
  return value >= minimum && value <= maximum && value > (exclusiveMinimum ?? -Infinity);
}

/** Puts a value where its option belongs. */
export function putSetting(settings: Settings, { name, inSampling }: Setting, value: unknown): void {
  if (inSampling) settings.sampling = { ...settings.sampling, [name]: value };
  else settings[name] = value;
}
