/** Python's format specifications: what stands behind the colon in `"{:>8.2f}"`. */
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import type { Budget } from "./budget.js";
import { floatRepr, toExponential, toFixed, toFloat, toGeneral } from "./numbers.js";
import { str } from "./repr.js";
import { length, characters, toText } from "./text.js";
import { textOf, typeName, type Value } from "./values.js";

/** How a number or text is padded. */
export interface Padding {
  fill: string;
  /** `=`: behind the sign. */
  align: "<" | ">" | "^" | "=";
  width: number;
}

/** Fills a text up to its width. */
export function pad(sign: string, body: string, { fill, align, width }: Padding, budget: Budget): string {
  const missing = width - length(sign) - length(body);
  if (missing <= 0) return sign + body;
  budget.allocate(missing);
  if (align === "=") return sign + fill.repeat(missing) + body;
  const left = align === "<" ? 0 : align === ">" ? missing : Math.floor(missing / 2);
  return fill.repeat(left) + sign + body + fill.repeat(missing - left);
}

const pattern = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([_,])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su;

/** format(value, spec) */
export function format(value: Value, spec: string, budget: Budget): string {
  if (spec === "") return str(value, budget);
  const match = pattern.exec(spec);
  if (match === null) throw new TemplateRuntimeError("invalid format specifier");
  const [, fillCharacter, align, sign = "-", z, alternate, zero, widthText, grouping, precisionText, type] = match;
  if (z !== undefined) throw new UnsupportedError("the z of a format is not supported");
  if ((widthText?.length ?? 0) > 9 || (precisionText?.length ?? 0) > 3)
    throw new UnsupportedError("such a wide format");
  const width = Number(widthText ?? 0);
  const precision = precisionText === undefined ? undefined : Number(precisionText);
  const text = textOf(value);
  if (text !== undefined) {
    const bad =
      sign !== "-" || match[3] !== undefined || alternate || grouping || (type ?? "s") !== "s" || align === "=";
    if (bad) throw new TemplateRuntimeError("this format is not for a str");
    const cut = precision === undefined ? text : toText(characters(text).slice(0, precision));
    const fill = fillCharacter ?? (zero && align === undefined ? "0" : zero ? "0" : " ");
    return pad("", cut, { fill, align: (align ?? "<") as Padding["align"], width }, budget);
  }
  const padding: Padding = {
    fill: fillCharacter ?? (zero ? "0" : " "),
    align: (align ?? (zero ? "=" : ">")) as Padding["align"],
    width,
  };
  if (typeof value === "boolean" && (type === undefined || type === "s")) {
    if (type === "s") throw new TemplateRuntimeError("this format is not for a bool");
    if (spec !== "") return finish(BigInt(value).toString(), sign, padding, grouping, 3, budget);
  }
  const number = typeof value === "boolean" ? BigInt(value) : value;
  if (typeof number === "bigint" && (type === undefined || "bcdnoxX".includes(type))) {
    if (precision !== undefined) throw new TemplateRuntimeError("precision not allowed in integer format specifier");
    if (type === "c") throw new UnsupportedError("the format c is not supported");
    const radix = { b: 2, o: 8, x: 16, X: 16 }[type ?? ""] ?? 10;
    if (grouping === "," && radix !== 10) throw new TemplateRuntimeError("cannot specify ',' with this format");
    const prefix = alternate && radix !== 10 ? `0${type}` : "";
    let digits = number.toString(radix);
    if (type === "X") digits = digits.toUpperCase();
    return finish(digits, sign, padding, grouping, radix === 10 ? 3 : 4, budget, prefix);
  }
  if (typeof number === "number" || typeof number === "bigint") {
    if (type !== undefined && !"eEfFgG%n".includes(type))
      throw new TemplateRuntimeError("this format is not for a float");
    const float = typeof number === "bigint" ? toFloat(number) : number;
    budget.step(20 + (precision ?? 0));
    const body = formatFloat(float, type, precision, alternate !== undefined);
    return finish(body, sign, padding, grouping, 3, budget);
  }
  throw new TemplateRuntimeError(`unsupported format string passed to ${typeName(value)}.__format__`);
}

/** Sign, digits in groups, and padding. */
function finish(
  digits: string,
  sign: string,
  padding: Padding,
  grouping: string | undefined,
  size: number,
  budget: Budget,
  prefix = "",
): string {
  const negative = digits.startsWith("-");
  const head = (negative ? "-" : sign === "-" ? "" : sign) + prefix;
  let body = negative ? digits.slice(1) : digits;
  if (grouping !== undefined) {
    if (padding.align === "=" && padding.fill === "0" && padding.width > 0) {
      throw new UnsupportedError("zeros and separators together are not supported");
    }
    const [, whole, rest] = /^([0-9a-zA-Z]*?)((?:[.%]|e[-+]|inf|nan).*)?$/s.exec(body)!;
    const groups: string[] = [];
    for (let end = whole!.length; end > 0; end -= size) groups.unshift(whole!.slice(Math.max(end - size, 0), end));
    body = groups.join(grouping) + (rest ?? "");
  }
  return pad(head, body, padding, budget);
}

/** A float in one of Python's forms. */
export function formatFloat(value: number, type = "", precision: number | undefined, alternate: boolean): string {
  const lower = type.toLowerCase();
  const upper = type !== "" && "EFG".includes(type);
  if (!Number.isFinite(value)) {
    const text = Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
    return (upper ? text.toUpperCase() : text) + (type === "%" ? "%" : "");
  }
  if (lower === "n") throw new UnsupportedError("the format n is not supported");
  let text: string;
  if (lower === "e") text = toExponential(value, precision ?? 6, alternate);
  else if (lower === "g") text = toGeneral(value, precision ?? 6, alternate);
  else if (lower === "f") text = toFixed(value, precision ?? 6) + (alternate && precision === 0 ? "." : "");
  else if (type === "%") text = `${toFixed(value * 100, precision ?? 6)}%`;
  else if (precision === undefined) text = floatRepr(value);
  else text = generalWithPoint(value, precision);
  return upper ? text.toUpperCase() : text;
}

/** The form of a precision without a letter: as g, but with at least one digit behind the point. */
function generalWithPoint(value: number, precision: number): string {
  const text = toGeneral(value, precision);
  if (/[.e]/.test(text)) return text;
  // Where all digits stand before the point, Python changes to an exponent one digit earlier.
  if (text.replace("-", "").length >= Math.max(precision, 1) && value !== 0) {
    const short = toExponential(value, Math.max(precision, 1) - 1);
    const [mantissa, tail] = short.split("e");
    return `${mantissa!.includes(".") ? mantissa!.replace(/\.?0+$/, "") : mantissa}e${tail}`;
  }
  return `${text}.0`;
}
