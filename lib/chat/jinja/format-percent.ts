/** Python's `"…%s…" % values`. */
import type { Budget } from "./budget.js";
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { formatFloat, pad, type Padding } from "./format-spec.js";
import { toFloat, truncate } from "./numbers.js";
import { repr, str } from "./repr.js";
import { characters, toText } from "./text.js";
import { Dict, Tuple, Undefined, type Value } from "./values.js";

const pattern = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([^]|$)/g;

/** `text % given` */
export function percentFormat(text: string, given: Value, budget: Budget): string {
  budget.allocate(text.length);
  const args: readonly Value[] = given instanceof Tuple ? given.items : [given];
  let next = 0;
  const take = (): Value => {
    if (next >= args.length) throw new TemplateRuntimeError("not enough arguments for format string");
    return args[next++]!;
  };
  let named = false;
  const result = text.replace(pattern, (whole, key, flags: string, width, precision, type: string) => {
    if (type === "%") {
      if (whole !== "%%") throw new UnsupportedError("%% with a width is not supported");
      return "%";
    }
    if (width === "*" || precision === "*") throw new UnsupportedError("* in a format is not supported");
    if (Number(width ?? 0) > 1e7 || Number(precision ?? 0) > 999) throw new UnsupportedError("such a wide format");
    let value: Value;
    if (key === undefined) value = take();
    else {
      if (!(given instanceof Dict)) throw new TemplateRuntimeError("format requires a mapping");
      const found = given.get(key as string);
      if (found === undefined) throw new TemplateRuntimeError("the mapping lacks a key of the format");
      named = true;
      value = found;
    }
    const hasPoint = whole.includes(".", (key as string | undefined)?.length ?? 0);
    const places = precision === undefined ? (hasPoint ? 0 : undefined) : Number(precision);
    const written = convert(value, flags, Number(width ?? 0), places, type, budget);
    budget.allocate(written.length);
    return written;
  });
  const isMapping = given instanceof Dict || (Array.isArray(given) && next === 0);
  if (next < args.length && !named && !isMapping) {
    throw new TemplateRuntimeError("not all arguments converted during string formatting");
  }
  return result;
}

function convert(
  value: Value,
  flags: string,
  width: number,
  places: number | undefined,
  type: string,
  budget: Budget,
): string {
  const left = flags.includes("-");
  const zero = flags.includes("0") && !left;
  const sign = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const text = (body: string) => {
    const cut = places === undefined ? body : toText(characters(body).slice(0, places));
    return pad("", cut, { fill: " ", align: left ? "<" : ">", width }, budget);
  };
  const number = (body: string, prefix = "") => {
    const negative = body.startsWith("-");
    const padding: Padding = { fill: zero ? "0" : " ", align: left ? "<" : zero ? "=" : ">", width };
    return pad((negative ? "-" : sign) + prefix, negative ? body.slice(1) : body, padding, budget);
  };
  switch (type) {
    case "s":
      return text(str(value, budget));
    case "r":
      return text(repr(value, budget));
    case "d":
    case "i":
    case "u": {
      const int = typeof value === "number" ? truncate(value) : toInt(value, type);
      return number(withPlaces(int.toString(), places));
    }
    case "x":
    case "X":
    case "o": {
      if (typeof value === "number") throw new TemplateRuntimeError(`%${type} format: an integer is required`);
      const digits = toInt(value, type).toString(type === "o" ? 8 : 16);
      const body = withPlaces(type === "X" ? digits.toUpperCase() : digits, places);
      return number(body, flags.includes("#") ? `0${type}` : "");
    }
    case "e":
    case "E":
    case "f":
    case "F":
    case "g":
    case "G": {
      const float = typeof value === "number" ? value : toFloat(toInt(value, type));
      budget.step(20 + (places ?? 0));
      return number(formatFloat(float, type, places, flags.includes("#")));
    }
    case "c":
    case "a":
      throw new UnsupportedError(`the format %${type} is not supported`);
    default:
      throw new TemplateRuntimeError("unsupported format character");
  }
}

function withPlaces(digits: string, places = 0): string {
  return digits.startsWith("-") ? `-${digits.slice(1).padStart(places, "0")}` : digits.padStart(places, "0");
}

function toInt(value: Value, type: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return BigInt(value);
  if (value instanceof Undefined) value.fail();
  throw new TemplateRuntimeError(`%${type} format: a number is required`);
}
