/** str() and repr(). */
import type { Budget } from "./budget.js";
import { UnsupportedError, TemplateRuntimeError } from "./errors.js";
import { checkInt, floatRepr } from "./numbers.js";
import { Callable, Dict, DictView, Markup, Namespace, Range, Tuple, Undefined, type Value } from "./values.js";

/** How deep lists and dicts that are written may be nested. */
const MAX_DEPTH = 300;

/** str(value): what a template prints. */
export function str(value: Value, budget: Budget): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  if (value instanceof Markup) return value.text;
  return repr(value, budget);
}

/** repr(value) */
export function repr(value: Value, budget: Budget, depth = 0): string {
  budget.step();
  if (depth > MAX_DEPTH) throw new TemplateRuntimeError("lists are nested too deep to be written");
  const inner = (item: Value) => repr(item, budget, depth + 1);
  if (value === null) return "None";
  if (typeof value === "string") {
    budget.allocate(value.length);
    return quote(value);
  }
  if (typeof value === "bigint") return checkInt(value).toString();
  if (typeof value === "number") return floatRepr(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (value instanceof Tuple) {
    return value.items.length === 1 ? `(${inner(value.items[0]!)},)` : `(${value.items.map(inner).join(", ")})`;
  }
  const pair = ([key, item]: readonly [Value, Value]) => `${inner(key)}: ${inner(item)}`;
  if (value instanceof Dict) return `{${[...value.entries()].map(pair).join(", ")}}`;
  if (value instanceof DictView) return `${value.type}([${[...value].map(inner).join(", ")}])`;
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Markup) return `Markup(${quote(value.text)})`;
  if (value instanceof Range) {
    const step = value.step === 1n ? "" : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof Namespace) return `<Namespace {${[...value.attributes].map(pair).join(", ")}}>`;
  if (value instanceof Callable && value.type === "Macro") return `<Macro ${quote(value.name)}>`;
  // Python writes an address.
  throw new UnsupportedError(`a ${value.type} cannot be written`);
}

const named: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const unprintable = /[\\\n\r\t]|(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/gu;

/** repr() of a str. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) => named[character] ?? escapeCode(character.codePointAt(0)!));
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function escapeCode(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
