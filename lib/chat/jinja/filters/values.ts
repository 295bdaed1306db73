/** Jinja's filters of single values, and transformers' own tojson. */
import { toIndex } from "../arguments.js";
import { numberOf, truthy } from "../compare.js";
import { TemplateRuntimeError } from "../errors.js";
import { dumps } from "../json.js";
import { iterate } from "../iterate.js";
import { MAX_INT_DIGITS, parseFloat, parseInt, roundFloat, roundHalfEven, toFloat, truncate } from "../numbers.js";
import { binary } from "../operators.js";
import { attributeOf } from "../methods.js";
import { textOf, typeName, Undefined, type Value } from "../values.js";
import { filter, type Filter } from "./common.js";

const abs = filter("abs", [], (value) => {
  const number = numberOf(value);
  if (value instanceof Undefined) value.fail();
  if (number === undefined) throw new TemplateRuntimeError(`bad operand type for abs(): '${typeName(value)}'`);
  return typeof number === "bigint" ? (number < 0n ? -number : number) : Math.abs(number);
});

const toInt = filter("int", ["default?", "base?"], (value, given, runtime) => {
  const fallback = given.get("default", 0n);
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.step(text.length);
    const exact = parseInt(text, given.integer("base", 10));
    if (exact !== undefined) return exact;
    // "42.23" is 42.
    const float = parseFloat(text);
    return float === undefined || !Number.isFinite(float) ? fallback : truncate(float);
  }
  if (value instanceof Undefined) value.fail();
  const number = numberOf(value);
  if (number === undefined || (typeof number === "number" && Number.isNaN(number))) return fallback;
  if (typeof number === "number" && !Number.isFinite(number))
    throw new TemplateRuntimeError("int of an infinite float");
  return typeof number === "bigint" ? number : truncate(number);
});

const toFloatFilter = filter("float", ["default?"], (value, given, runtime) => {
  const fallback = given.get("default", 0);
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.step(text.length);
    return parseFloat(text) ?? fallback;
  }
  if (value instanceof Undefined) value.fail();
  const number = numberOf(value);
  if (number === undefined) return fallback;
  return typeof number === "bigint" ? toFloat(number) : number;
});

const round = filter("round", ["precision?", "method?"], (value, given, runtime) => {
  const method = textOf(given.get("method", "common"));
  if (method !== "common" && method !== "ceil" && method !== "floor") {
    throw new TemplateRuntimeError("method must be common, ceil or floor");
  }
  if (value instanceof Undefined) value.fail();
  const number = numberOf(value);
  if (number === undefined) throw new TemplateRuntimeError(`type ${typeName(value)} doesn't define __round__ method`);
  const precision = given.get("precision", 0n);
  if (method === "common") {
    if (precision === null) return typeof number === "bigint" ? number : roundHalf(number);
    const digits = toIndex(precision, "precision");
    runtime.budget.step(20 + Math.min(Math.abs(digits), MAX_INT_DIGITS));
    if (typeof number === "number") return roundFloat(number, digits);
    if (digits >= 0) return number;
    const power = 10n ** BigInt(Math.min(-digits, MAX_INT_DIGITS + 1));
    return roundHalfEven(number, power) * power;
  }
  const scale = binary("**", 10n, precision, runtime.budget);
  const scaled = binary("*", number, scale, runtime.budget);
  const whole =
    typeof scaled === "number" ? truncate(method === "ceil" ? Math.ceil(scaled) : Math.floor(scaled)) : scaled;
  return binary("/", whole, scale, runtime.budget);
});

function roundHalf(value: number): bigint {
  return truncate(roundFloat(value, 0));
}

const tojson = filter("tojson", ["ensure_ascii?", "indent?", "separators?", "sort_keys?"], (value, given, runtime) => {
  const indent = given.get("indent", null);
  const by =
    indent === null ? undefined : (textOf(indent) ?? " ".repeat(Math.max(checkWidth(toIndex(indent, "indent")), 0)));
  const separators = given.get("separators", null);
  const pair = separators === null ? undefined : [...iterate(separators)].map(textOf);
  if (pair !== undefined && (pair.length !== 2 || pair.includes(undefined))) {
    throw new TemplateRuntimeError("tojson: separators are two texts");
  }
  return dumps(
    value,
    {
      ensureAscii: given.flag("ensure_ascii"),
      indent: by,
      separators: (pair as [string, string] | undefined) ?? [by === undefined ? ", " : ",", ": "],
      sortKeys: given.flag("sort_keys"),
    },
    runtime.budget,
  );
});

function checkWidth(width: number): number {
  if (width > 1000) throw new TemplateRuntimeError("tojson: an indent of more than 1000 is not supported");
  return width;
}

const orDefault = filter("default", ["default_value?", "boolean?"], (value, given) => {
  const missing = value instanceof Undefined || (given.flag("boolean") && !truthy(value));
  return missing ? given.get("default_value", "") : value;
});

/** By name. */
export const valueFilters: Readonly<Record<string, Filter>> = {
  abs,
  attr: filter("attr", ["name"], (value, given, runtime) => {
    const found: Value | undefined = attributeOf(value, given.text("name"), runtime);
    return found === undefined ? new Undefined("there is no such attribute") : found;
  }),
  d: orDefault,
  default: orDefault,
  float: toFloatFilter,
  int: toInt,
  round,
  tojson,
};
