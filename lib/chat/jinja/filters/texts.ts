/** Jinja's filters of texts. */
import { toIndex, unsupported } from "../arguments.js";
import type { Budget } from "../budget.js";
import { TemplateRuntimeError, UnsupportedError } from "../errors.js";
import { escape } from "../escape.js";
import { percentFormat } from "../format-percent.js";
import { toFixed } from "../numbers.js";
import { iterate } from "../iterate.js";
import { centerLeft, replace } from "../methods-str.js";
import { parseFloat, toFloat, truncate } from "../numbers.js";
import { str } from "../repr.js";
import * as t from "../text.js";
import { Dict, Markup, textOf, Tuple, typeName, Undefined, type Value } from "../values.js";
import { attributeGetter, filter, textFilter, type Filter } from "./common.js";

const indent = filter("indent", ["width?", "first?", "blank?"], (value, given, runtime) => {
  if (value instanceof Undefined) value.fail();
  if (typeof value !== "string")
    return value instanceof Markup ? unsupported("indent of a safe text") : wrongType(value);
  const width = given.get("width", 4n);
  const by = textOf(width) ?? spaces(toIndex(width, "width"));
  const lines = t.splitLines(`${value}\n`);
  runtime.budget.allocate(value.length + lines.length * (by.length + 1));
  const indented = given.flag("blank")
    ? lines.join(`\n${by}`)
    : lines.map((line, i) => (i > 0 && line !== "" ? by + line : line)).join("\n");
  return given.flag("first") ? by + indented : indented;
});

function spaces(n: number): string {
  if (n > 10_000) throw new UnsupportedError("more than 10,000 spaces");
  return " ".repeat(Math.max(n, 0));
}

function wrongType(value: Value): never {
  throw new TemplateRuntimeError(`a text was expected, not a value of the type '${typeName(value)}'`);
}

/** A str as it is: what has a length and parts, but is no text, is refused. */
function plainText(value: Value): string {
  if (value instanceof Undefined) return "";
  return typeof value === "string" ? value : wrongType(value);
}

const truncateText = filter("truncate", ["length?", "killwords?", "end?", "leeway?"], (value, given) => {
  const text = plainText(value);
  const limit = given.integer("length", 255);
  const end = given.text("end", "...");
  const leeway = given.get("leeway", null) === null ? 5 : given.integer("leeway", 5);
  const room = limit - t.length(end);
  if (room < 0 || leeway < 0) throw new TemplateRuntimeError("truncate: length and leeway are too small");
  if (value instanceof Undefined) return value;
  const points = t.characters(text);
  if (points.length <= limit + leeway) return text;
  const cut = t.toText(points.slice(0, room));
  if (given.flag("killwords")) return cut + end;
  const space = cut.lastIndexOf(" ");
  return (space < 0 ? cut : cut.slice(0, space)) + end;
});

const title = textFilter("title", [], (text) => {
  const parts = text.split(new RegExp(`([-${t.SPACE}({[<]+)`));
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const [first] = part;
      return first!.toUpperCase() + part.slice(first!.length).toLowerCase();
    })
    .join("");
});

const join = filter("join", ["d?", "attribute?"], (value, given, runtime) => {
  const attribute = given.get("attribute", null);
  const pick = attribute === null ? (item: Value) => item : attributeGetter(attribute, runtime);
  const separator = str(given.get("d", ""), runtime.budget);
  const parts: string[] = [];
  for (const item of iterate(value)) {
    const part = str(pick(item), runtime.budget);
    runtime.budget.step();
    runtime.budget.allocate(part.length + separator.length + 1);
    parts.push(part);
  }
  return parts.join(separator);
});

const format: Filter = (runtime, value, args, keywords) => {
  if (args.length > 0 && keywords.size > 0) {
    throw new TemplateRuntimeError("can't handle positional and keyword arguments at the same time");
  }
  if (value instanceof Markup) throw new UnsupportedError("format of a text that was marked safe");
  return percentFormat(
    str(value, runtime.budget),
    keywords.size > 0 ? Dict.from(keywords) : new Tuple(args),
    runtime.budget,
  );
};

const fileSize = filter("filesizeformat", ["binary?"], (value, given) => {
  const bytes = typeof value === "number" ? value : typeof value === "bigint" ? toFloat(value) : floatOf(value);
  const binary = given.flag("binary");
  const base = binary ? 1024 : 1000;
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${truncate(bytes)} Bytes`;
  const units = Array.from("kMGTPEZY", (letter) => (binary ? `${letter.toUpperCase()}iB` : `${letter}B`));
  for (const [i, unit] of units.entries()) {
    const size = base ** (i + 2);
    if (bytes < size || i === units.length - 1) return `${toFixed((base * bytes) / size, 1)} ${unit}`;
  }
  return "";
});

function floatOf(value: Value): number {
  const text = textOf(value);
  const float = text === undefined ? undefined : parseFloat(text);
  if (value instanceof Undefined) value.fail();
  return float ?? (typeof value === "boolean" ? Number(value) : wrongType(value));
}

/** Python's quote(): all but letters, digits, `_.-~` and, in paths, `/`. */
function quoteUrl(value: Value, inQuery: boolean, budget: Budget): string {
  const text = str(value, budget);
  if (/\p{Cs}/u.test(text)) throw new TemplateRuntimeError("a text with half a character cannot be quoted");
  budget.allocate(text.length * 3);
  const quoted = encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return inQuery ? quoted.replaceAll("%20", "+") : quoted.replaceAll("%2F", "/");
}

const urlencode = filter("urlencode", [], (value, _, { budget }) => {
  if (typeof value === "string") return quoteUrl(value, false, budget);
  if (value instanceof Markup || value instanceof Undefined) return unsupported("urlencode of such a value");
  if (value === null || typeof value !== "object") return quoteUrl(value, false, budget);
  const pairs = value instanceof Dict ? [...value.entries()] : [...iterate(value)].map((pair) => [...iterate(pair)]);
  return pairs
    .map((pair) => {
      if (pair.length !== 2) throw new TemplateRuntimeError("urlencode takes pairs");
      return `${quoteUrl(pair[0]!, true, budget)}=${quoteUrl(pair[1]!, true, budget)}`;
    })
    .join("&");
});

const xmlattr = filter("xmlattr", ["autospace?"], (value, given, { budget }) => {
  if (!(value instanceof Dict)) return wrongType(value);
  const items: string[] = [];
  for (const [key, item] of value.entries()) {
    if (item === null || item instanceof Undefined) continue;
    const name = textOf(key);
    if (name === undefined || /[\t-\r />=]/.test(name)) throw new TemplateRuntimeError("not the name of an attribute");
    items.push(`${escape(name, budget).text}="${escape(item, budget).text}"`);
  }
  const written = items.join(" ");
  return given.flag("autospace", true) && written !== "" ? ` ${written}` : written;
});

/** By name. */
export const textFilters: Readonly<Record<string, Filter>> = {
  capitalize: textFilter("capitalize", [], t.capitalize),
  center: textFilter("center", ["width?"], (text, given, runtime) => {
    const width = given.integer("width", 80);
    const missing = width - t.length(text);
    if (missing <= 0) return text;
    runtime.budget.allocate(missing);
    const left = centerLeft(missing, width);
    return " ".repeat(left) + text + " ".repeat(missing - left);
  }),
  e: filter("e", [], (value, _, { budget }) => escape(value, budget)),
  escape: filter("escape", [], (value, _, { budget }) => escape(value, budget)),
  filesizeformat: fileSize,
  forceescape: filter("forceescape", [], (value, _, { budget }) => escape(str(value, budget), budget)),
  format,
  indent,
  join,
  lower: textFilter("lower", [], (text) => text.toLowerCase()),
  replace: filter("replace", ["old", "new", "count?"], (value, given, runtime) => {
    const count = given.get("count", null);
    const text = (part: Value) => str(part, runtime.budget);
    const [old, by] = [text(given.get("old", "")), text(given.get("new", ""))];
    return replace(text(value), old, by, count === null ? -1 : toIndex(count, "count"), runtime);
  }),
  safe: filter("safe", [], (value, _, { budget }) =>
    value instanceof Markup ? value : new Markup(str(value, budget)),
  ),
  string: filter("string", [], (value, _, { budget }) => (value instanceof Markup ? value : str(value, budget))),
  title,
  trim: textFilter("trim", ["chars?"], (text, given) => t.strip(text, given.textOrNone("chars"), "both")),
  truncate: truncateText,
  upper: textFilter("upper", [], (text) => text.toUpperCase()),
  urlencode,
  wordcount: textFilter("wordcount", [], (text) => BigInt((text.match(/[\p{L}\p{N}_]+/gu) ?? []).length)),
  xmlattr,
};

/** What Python has and this interpreter has not. */
export const missingFilters = ["pprint", "random", "striptags", "urlize", "wordwrap"];
