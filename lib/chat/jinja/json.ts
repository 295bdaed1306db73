/** json.dumps() */
import { Budget } from "./budget.js";
import { compareTexts } from "./compare.js";
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { checkInt, floatRepr } from "./numbers.js";
import { Dict, sizeOf, textOf, Tuple, typeName, type Value } from "./values.js";

/** Options of json.dumps(), as far as a template can give them. */
export interface JsonOptions {
  ensureAscii: boolean;
  /** What each level is indented by; undefined: all in one line. */
  indent: string | undefined;
  separators: readonly [item: string, key: string];
  sortKeys: boolean;
}

const MAX_DEPTH = 300;

/** @throws TemplateRuntimeError where the value is none of JSON */
export function dumps(value: Value, options: JsonOptions, budget: Budget, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TemplateRuntimeError("a value is nested too deep for JSON");
  budget.step();
  const text = textOf(value);
  if (text !== undefined) {
    budget.allocate(text.length);
    return quoteJson(text, options.ensureAscii);
  }
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return checkInt(value).toString();
  if (typeof value === "number") return jsonFloat(value);
  const inner = (item: Value) => dumps(item, options, budget, depth + 1);
  if (Array.isArray(value)) return enclose("[", value.map(inner), "]", options, depth);
  if (value instanceof Tuple) return enclose("[", value.items.map(inner), "]", options, depth);
  if (value instanceof Dict) {
    let entries = [...value.entries()];
    if (options.sortKeys) {
      if (entries.some(([key]) => typeof key !== "string"))
        throw new UnsupportedError("sort_keys of keys that are no str");
      entries = entries.sort(([a], [b]) => compareTexts(a as string, b as string));
    }
    const pairs = entries.map(([key, item]) => {
      budget.allocate(textOf(key)?.length ?? 0);
      return quoteJson(keyText(key), options.ensureAscii) + options.separators[1] + inner(item);
    });
    return enclose("{", pairs, "}", options, depth);
  }
  throw new TemplateRuntimeError(`Object of type ${typeName(value)} is not JSON serializable`);
}

/** As json.dumps(value, ensure_ascii=False) writes it, which is what templates' `tojson` does. */
export function jsonText(value: Value): string {
  const options = { ensureAscii: false, indent: undefined, separators: [", ", ": "] as const, sortKeys: false };
  return dumps(value, options, new Budget(sizeOf(value)));
}

function enclose(open: string, items: string[], close: string, options: JsonOptions, depth: number): string {
  if (items.length === 0) return open + close;
  const { indent, separators } = options;
  if (indent === undefined) return open + items.join(separators[0]) + close;
  const line = `\n${indent.repeat(depth + 1)}`;
  return `${open}${line}${items.join(separators[0] + line)}\n${indent.repeat(depth)}${close}`;
}

function keyText(key: Value): string {
  if (key === null) return "null";
  if (typeof key === "boolean") return String(key);
  if (typeof key === "bigint") return checkInt(key).toString();
  if (typeof key === "number") return jsonFloat(key);
  const text = textOf(key);
  if (text === undefined)
    throw new TemplateRuntimeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
  return text;
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatRepr(value);
}

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

function quoteJson(text: string, ensureAscii: boolean): string {
  const escaped = ensureAscii ? /["\\\x00-\x1f]|[^\x00-\x7e]/g : /["\\\x00-\x1f]/g;
  const unit = (c: string) => short[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(escaped, unit)}"`;
}
