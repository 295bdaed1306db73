/** The methods of str. */
import { bind, positional, toIndex, unsupported, type Bound } from "./arguments.js";
import { TemplateRuntimeError } from "./errors.js";
import { braceFormat } from "./format-braces.js";
import { iterate } from "./iterate.js";
import type { Runtime } from "./runtime.js";
import * as t from "./text.js";
import { Dict, textOf, Tuple, typeName, type Keywords, type Value } from "./values.js";

type Method = (text: string, args: readonly Value[], keywords: Keywords, runtime: Runtime) => Value;

/** A method whose parameters cannot be given by name. */
const by =
  (
    name: string,
    parameters: readonly string[],
    body: (text: string, given: Bound, runtime: Runtime) => Value,
  ): Method =>
  (text, args, keywords, runtime) =>
    body(text, positional(name, parameters, args, keywords), runtime);

/** A test that all characters, and at least one, pass. */
const all = (name: string, pattern: RegExp): Method =>
  by(name, [], (text, _, runtime) => {
    runtime.budget.scan(text.length);
    return pattern.test(text);
  });

/** Start and end of what find(), count() and the like look at, in code units. */
function window(text: string, given: Bound): [number, number] {
  if (!given.has("start") && !given.has("end")) return [0, text.length];
  const points = t.characters(text);
  const n = points.length;
  const at = (name: string, otherwise: number) => {
    const value = given.get(name, null);
    if (value === null) return otherwise;
    const index = toIndex(value, name);
    return index < 0 ? Math.max(index + n, 0) : index;
  };
  const [start, end] = [at("start", 0), Math.min(at("end", n), n)];
  const units = (index: number) => (typeof points === "string" ? index : points.slice(0, index).join("").length);
  return start > n ? [Infinity, Infinity] : [units(start), units(end)];
}

/** Searching costs about a look per character and, where the parts are long, a fraction of their product. */
function search(runtime: Runtime, text: string, part: string): void {
  runtime.budget.scan(text.length * (1 + Math.floor(part.length / 64)) + part.length);
}

const range = ["sub", "start?", "end?"];

function find(name: string, last: boolean, mustFind: boolean): Method {
  return by(name, range, (text, given, runtime) => {
    const part = given.text("sub");
    search(runtime, text, part);
    const [start, end] = window(text, given);
    let at = -1;
    if (start + part.length <= end) {
      at = last ? text.lastIndexOf(part, end - part.length) : text.indexOf(part, start);
      if (at < start || at + part.length > end) at = -1;
    }
    if (at < 0 && mustFind) throw new TemplateRuntimeError("substring not found");
    return BigInt(at < 0 ? -1 : t.codePointIndex(text, at));
  });
}

function edge(name: string, test: (text: string, part: string) => boolean): Method {
  return by(name, range, (text, given, runtime) => {
    const parts = given.get("sub", null);
    const [start, end] = window(text, given);
    if (start > end) return false;
    const seen = text.slice(start, end);
    const one = (part: Value) => {
      const wanted = textOf(part);
      if (wanted === undefined) throw new TemplateRuntimeError(`${name}() takes a str or a tuple of them`);
      runtime.budget.scan(wanted.length);
      return test(seen, wanted);
    };
    return parts instanceof Tuple ? parts.items.some(one) : one(parts);
  });
}

/** How often a part occurs without overlapping. */
function occurrences(text: string, part: string, runtime: Runtime): number {
  if (part === "") return t.length(text) + 1;
  let n = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) n++;
  runtime.budget.step(Math.floor(n / 4));
  return n;
}

/** split() at white space. */
function words(text: string, limit: number, fromRight: boolean): string[] {
  const parts: string[] = [];
  let rest = t.strip(text, null, fromRight ? "right" : "left");
  const gap = new RegExp(fromRight ? `[${t.SPACE}](?=[^${t.SPACE}]*$)` : `[${t.SPACE}]`);
  if (!fromRight && limit < 0) return text.split(new RegExp(`[${t.SPACE}]+`)).filter((word) => word !== "");
  while (rest !== "") {
    const at = limit === parts.length ? -1 : fromRight ? lastSpace(rest) : rest.search(gap);
    if (at < 0) {
      parts.push(rest);
      break;
    }
    parts.push(fromRight ? rest.slice(at + 1) : rest.slice(0, at));
    rest = fromRight ? t.strip(rest.slice(0, at), null, "right") : t.strip(rest.slice(at), null, "left");
  }
  if (fromRight && parts.length > limit && limit >= 0) parts[parts.length - 1] = parts.at(-1)!;
  return fromRight ? parts.reverse() : parts;
}

function lastSpace(text: string): number {
  for (let i = text.length - 1; i >= 0; i--) if (t.isSpace(text[i]!)) return i;
  return -1;
}

function split(name: string, fromRight: boolean): Method {
  return (text, args, keywords, runtime) => {
    const given = bind(name, ["sep?", "maxsplit?"], args, keywords);
    const separator = given.textOrNone("sep");
    const limit = given.integer("maxsplit", -1);
    search(runtime, text, separator ?? "");
    runtime.budget.allocate(text.length);
    if (separator === null) return words(text, limit, fromRight);
    if (separator === "") throw new TemplateRuntimeError("empty separator");
    if (!fromRight || limit < 0) {
      const parts = text.split(separator);
      runtime.budget.allocate(parts.length * 4);
      if (limit < 0 || parts.length <= limit + 1) return parts;
      return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
    }
    // What overlaps is cut from the right.
    const cut: string[] = [];
    let rest = text;
    while (cut.length < limit) {
      const at = rest.lastIndexOf(separator);
      if (at < 0) break;
      cut.push(rest.slice(at + separator.length));
      rest = rest.slice(0, at);
    }
    return [rest, ...cut.reverse()];
  };
}

function partition(name: string, last: boolean): Method {
  return by(name, ["sep"], (text, given, runtime) => {
    const separator = given.text("sep");
    if (separator === "") throw new TemplateRuntimeError("empty separator");
    search(runtime, text, separator);
    const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) return new Tuple(last ? ["", "", text] : [text, "", ""]);
    return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
  });
}

function justify(name: string, place: (missing: number, width: number) => number): Method {
  return by(name, ["width", "fillchar?"], (text, given, runtime) => {
    const width = given.integer("width");
    const fill = given.text("fillchar", " ");
    if (t.length(fill) !== 1) throw new TemplateRuntimeError("The fill character must be exactly one character long");
    const missing = width - t.length(text);
    if (missing <= 0) return text;
    runtime.budget.allocate(width);
    const left = place(missing, width);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  });
}

/** center(): of an odd rest, the left side gets one more where the width is odd. */
export const centerLeft = (missing: number, width: number) => Math.floor(missing / 2) + (missing & width & 1);

/** replace(): with an empty `old`, between all characters. */
export function replace(text: string, old: string, by: string, count: number, runtime: Runtime): string {
  search(runtime, text, old);
  const most = old === "" ? t.length(text) + 1 : occurrences(text, old, runtime);
  const n = count < 0 ? most : Math.min(count, most);
  if (n === 0) return text;
  runtime.budget.allocate(text.length + n * by.length);
  if (n === most && old !== "") return text.replaceAll(old, () => by);
  const parts = old === "" ? Array.from(text) : text.split(old);
  if (old !== "")
    return (
      parts.slice(0, n + 1).join(by) +
      parts
        .slice(n + 1)
        .map((part) => old + part)
        .join("")
    );
  const spread = parts.map((part, i) => (i < n ? by + part : part)).join("");
  return n > parts.length ? spread + by : spread;
}

const hasCased = /[\p{Uppercase}\p{Lowercase}\p{Lt}]/u;
const uppercase = /\p{Uppercase}/u;
const lowercase = /\p{Lowercase}/u;
const titlecase = /\p{Lt}/u;

/** islower(): some cased character, and none of another case. */
export const isLower = (text: string) => hasCased.test(text) && !uppercase.test(text) && !titlecase.test(text);
/** isupper() */
export const isUpper = (text: string) => hasCased.test(text) && !lowercase.test(text) && !titlecase.test(text);

function isTitle(text: string): boolean {
  let [found, inWord] = [false, false];
  for (const character of text) {
    const isUpperHere = uppercase.test(character) || titlecase.test(character);
    if (isUpperHere ? inWord : lowercase.test(character) && !inWord) return false;
    inWord = isUpperHere || lowercase.test(character);
    found ||= inWord;
  }
  return found;
}

/** title(): the first letter behind each character that has no case. */
function title(text: string): string {
  let inWord = false;
  const lowered = Array.from(text);
  return lowered
    .map((character, i) => {
      const start = !inWord;
      inWord = hasCased.test(character);
      if (start) return t.titleCase(character);
      return character === "Σ" ? text.toLowerCase()[lowered.slice(0, i).join("").length]! : character.toLowerCase();
    })
    .join("");
}

function swapCase(text: string): string {
  if (text.includes("Σ")) return unsupported("swapcase() of a capital sigma");
  return Array.from(text, (c) => (uppercase.test(c) ? c.toLowerCase() : lowercase.test(c) ? c.toUpperCase() : c)).join(
    "",
  );
}

function expandTabs(text: string, size: number, runtime: Runtime): string {
  let column = 0;
  let out = "";
  for (const character of text) {
    if (character === "\t") {
      const missing = size > 0 ? size - (column % size) : 0;
      runtime.budget.allocate(missing);
      out += " ".repeat(missing);
      column += missing;
    } else {
      out += character;
      column = character === "\n" || character === "\r" ? 0 : column + 1;
    }
  }
  return out;
}

function changed(text: string, made: string, runtime: Runtime): string {
  runtime.budget.allocate(text.length);
  return made;
}

const strip = (name: string, sides: Parameters<typeof t.strip>[2]): Method =>
  by(name, ["chars?"], (text, given, runtime) => {
    const chars = given.textOrNone("chars");
    const rest = t.strip(text, chars, sides);
    runtime.budget.step(text.length - rest.length + (chars?.length ?? 0));
    return rest;
  });

const join: Method = by("join", ["iterable"], (text, given, runtime) => {
  const parts: string[] = [];
  for (const item of iterate(given.get("iterable", null))) {
    const part = textOf(item);
    if (part === undefined) throw new TemplateRuntimeError(`join(): expected str, found ${typeName(item)}`);
    runtime.budget.allocate(part.length + text.length + 1);
    parts.push(part);
  }
  return parts.join(text);
});

const splitlines: Method = (text, args, keywords, runtime) => {
  const lines = t.splitLines(text, bind("splitlines", ["keepends?"], args, keywords).flag("keepends"));
  runtime.budget.allocate(lines.length);
  return lines;
};

const formatMap: Method = (text, args, keywords, runtime) => {
  const mapping = positional("format_map", ["mapping"], args, keywords).get("mapping", null);
  if (!(mapping instanceof Dict)) throw new TemplateRuntimeError("format_map() takes a dict");
  const named = new Map<string, Value>();
  for (const [key, value] of mapping.entries()) if (typeof key === "string") named.set(key, value);
  return braceFormat(text, [], named, runtime);
};

/** All that a template can call; what Python has beside them is refused by name. */
export const strMethods: Readonly<Record<string, Method>> = {
  capitalize: by("capitalize", [], t.capitalize),
  center: justify("center", centerLeft),
  count: by("count", range, (text, given, runtime) => {
    const part = given.text("sub");
    search(runtime, text, part);
    const [start, end] = window(text, given);
    if (start > end) return 0n;
    return BigInt(occurrences(text.slice(start, end), part, runtime));
  }),
  endswith: edge("endswith", (text, part) => text.endsWith(part)),
  expandtabs: (text, args, keywords, runtime) =>
    expandTabs(text, bind("expandtabs", ["tabsize?"], args, keywords).integer("tabsize", 8), runtime),
  find: find("find", false, false),
  format: (text, args, keywords, runtime) => braceFormat(text, args, keywords, runtime),
  format_map: formatMap,
  index: find("index", false, true),
  isalnum: all("isalnum", /^[\p{L}\p{N}]+$/u),
  isalpha: all("isalpha", /^\p{L}+$/u),
  isascii: by("isascii", [], (text) => !/[^\0-\x7f]/.test(text)),
  isdecimal: all("isdecimal", /^\p{Nd}+$/u),
  isdigit: all("isdigit", /^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
  islower: by("islower", [], isLower),
  isnumeric: by("isnumeric", [], (text) =>
    /[^\0-\x7f]/.test(text) ? unsupported("isnumeric() of other scripts") : /^\d+$/.test(text),
  ),
  isprintable: by("isprintable", [], (text) => !/(?! )[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u.test(text)),
  isspace: by("isspace", [], (text) => text !== "" && t.strip(text, null, "both") === ""),
  istitle: by("istitle", [], isTitle),
  isupper: by("isupper", [], isUpper),
  join,
  ljust: justify("ljust", () => 0),
  lower: by("lower", [], (text, _, runtime) => changed(text, text.toLowerCase(), runtime)),
  lstrip: strip("lstrip", "left"),
  partition: partition("partition", false),
  removeprefix: by("removeprefix", ["prefix"], (text, given) => {
    const prefix = given.text("prefix");
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }),
  removesuffix: by("removesuffix", ["suffix"], (text, given) => {
    const suffix = given.text("suffix");
    return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }),
  replace: by("replace", ["old", "new", "count?"], (text, given, runtime) =>
    replace(text, given.text("old"), given.text("new"), given.integer("count", -1), runtime),
  ),
  rfind: find("rfind", true, false),
  rindex: find("rindex", true, true),
  rjust: justify("rjust", (missing) => missing),
  rpartition: partition("rpartition", true),
  rsplit: split("rsplit", true),
  rstrip: strip("rstrip", "right"),
  split: split("split", false),
  splitlines,
  startswith: edge("startswith", (text, part) => text.startsWith(part)),
  strip: strip("strip", "both"),
  swapcase: by("swapcase", [], swapCase),
  title: by("title", [], title),
  upper: by("upper", [], (text, _, runtime) => changed(text, text.toUpperCase(), runtime)),
  zfill: by("zfill", ["width"], (text, given, runtime) => {
    const missing = given.integer("width") - t.length(text);
    if (missing <= 0) return text;
    runtime.budget.allocate(missing);
    const sign = /^[-+]/.exec(text)?.[0] ?? "";
    return sign + "0".repeat(missing) + text.slice(sign.length);
  }),
};
