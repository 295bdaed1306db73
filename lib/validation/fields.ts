/** The kinds of fields that the option schemas are made of. Each says in its message what is allowed. */
import * as v from "valibot";
import { nearest } from "./nearest.js";

const INT32_MAX = 2 ** 31 - 1;

/** The value, where it can be shown: texts may be a patient's, so only their type is. */
function got(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return ` (got ${String(value)})`;
  if (value === null || value === undefined) return ` (got ${String(value)})`;
  if (Array.isArray(value)) return value.length === 0 ? " (got an empty array)" : " (got an array)";
  if (value === "") return " (got an empty string)";
  const type = typeof value;
  return ` (got ${type === "object" ? "an" : "a"} ${type})`;
}

const must = (what: string) => (issue: { input: unknown }) => `must be ${what}${got(issue.input)}`;

/** A field whose check is code, with what a JSON schema can say of it: see json-schema.ts. */
function described<T>(field: v.GenericSchema<T>, jsonSchema: object) {
  return v.pipe(field, v.metadata({ jsonSchema }));
}

const isAbove = (value: unknown, max: number) => Number.isInteger(value) && Number(value) > max;

/** An integer from `min` to `max`, both included. */
export function integer(min: number, max: number = INT32_MAX) {
  const range = `from ${min} to ${max}`;
  const field = v.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    // Few reach the bound that an integer has for no reason of its own: who does is told of it.
    (issue) =>
      must(`an integer ${max !== INT32_MAX || isAbove(issue.input, max) ? range : `of ${min} or more`}`)(issue),
  );
  return described(field, { type: "integer", minimum: min, maximum: max });
}

/** A number from `min` to `max`, both included; with `exclusiveMin`, `min` itself is not. */
export function number(min: number, max: number, { exclusiveMin = false } = {}) {
  const range = exclusiveMin ? `greater than ${min} and at most ${max}` : `from ${min} to ${max}`;
  const field = v.custom<number>(
    (value) => typeof value === "number" && (exclusiveMin ? value > min : value >= min) && value <= max,
    must(`a number ${range}`),
  );
  return described(field, { type: "number", [exclusiveMin ? "exclusiveMinimum" : "minimum"]: min, maximum: max });
}

/** `"auto"` or an integer from `min` to `max`. */
export function autoOr(min: number, max: number) {
  return v.custom<"auto" | number>(
    (value) => value === "auto" || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max),
    must(`"auto" or an integer from ${min} to ${max}`),
  );
}

/** true or false. */
export function flag() {
  return v.boolean(must("true or false"));
}

/** A string; with `filled`, of at least one character. */
export function text({ filled = false } = {}) {
  const field = v.custom<string>(
    (value) => typeof value === "string" && (!filled || value !== ""),
    must(filled ? "a string that is not empty" : "a string"),
  );
  return described(field, { type: "string", ...(filled ? { minLength: 1 } : {}) });
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return v.picklist(words, must(`one of ${words.map((word) => `"${word}"`).join(", ")}`));
}

/** A list of `item`s; with `filled`, of at least one. */
export function list<TItem extends v.GenericSchema>(item: TItem, what: string, filled = false) {
  const message = must(`a list of ${what}${filled ? ", at least one" : ""}`);
  return v.pipe(
    v.array(item, message),
    v.check((items) => !filled || items.length > 0, message),
    v.metadata({ jsonSchema: filled ? { minItems: 1 } : {} }),
  );
}

/** An AbortSignal, of whichever realm. */
export function signal() {
  return v.custom<AbortSignal>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      typeof (value as AbortSignal).aborted === "boolean" &&
      typeof (value as AbortSignal).addEventListener === "function",
    must("an AbortSignal"),
  );
}

/** A value that `isIt` takes; `what` names it, and `jsonSchema` is what a JSON schema can say of it. */
export function any<T>(isIt: (value: unknown) => boolean, what: string, jsonSchema: object = {}) {
  return described(v.custom<T>(isIt, must(what)), jsonSchema);
}

/**
 * An object of these entries and no others. A key that is unknown is answered with the nearest known one, or with the
 * place where it belongs.
 *
 * @param elsewhere keys that belong to another place, e.g. `{ temperature: "sampling" }`
 */
export function object<const TEntries extends v.ObjectEntries>(
  entries: TEntries,
  elsewhere: Readonly<Record<string, string>> = {},
) {
  return v.strictObject(entries, (issue) => {
    const key = issue.path?.at(-1)?.key;
    if (issue.expected === "never") return unknownKey(String(key), Object.keys(entries), elsewhere);
    if (key !== undefined) return "is missing";
    return must("an object")(issue);
  });
}

function unknownKey(key: string, known: readonly string[], elsewhere: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(elsewhere, key)) return `does not belong here: put it into ${elsewhere[key]}`;
  const near = nearest(key, known);
  return near === undefined ? `is unknown: known are ${known.join(", ")}` : `is unknown: did you mean ${near}?`;
}
