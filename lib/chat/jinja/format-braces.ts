/** Python's `"…{}…{name}…".format(…)`. */
import { TemplateRuntimeError } from "./errors.js";
import { format } from "./format-spec.js";
import { repr, str } from "./repr.js";
import type { Runtime } from "./runtime.js";
import { unsupported } from "./arguments.js";
import type { Keywords, Value } from "./values.js";

/** Fields inside of specifications: Python allows one level. */
const MAX_NESTING = 2;

interface Numbering {
  next: number;
  manual: boolean;
}

/** `text.format(*args, **keywords)` */
export function braceFormat(text: string, args: readonly Value[], keywords: Keywords, runtime: Runtime): string {
  return expand(text, args, keywords, runtime, MAX_NESTING, { next: 0, manual: false });
}

function expand(
  text: string,
  args: readonly Value[],
  keywords: Keywords,
  runtime: Runtime,
  nesting: number,
  numbering: Numbering,
): string {
  if (nesting < 0) throw new TemplateRuntimeError("a format is nested too deep");
  runtime.budget.allocate(text.length);
  let out = "";
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character !== "{" && character !== "}") {
      const end = text.slice(at).search(/[{}]/);
      const stop = end < 0 ? text.length : at + end;
      out += text.slice(at, stop);
      at = stop;
      continue;
    }
    if (text[at + 1] === character) {
      out += character;
      at += 2;
      continue;
    }
    if (character === "}") throw new TemplateRuntimeError("Single '}' encountered in format string");
    const close = closing(text, at);
    const written = replacement(text.slice(at + 1, close), args, keywords, runtime, nesting, numbering);
    runtime.budget.allocate(written.length);
    out += written;
    at = close + 1;
  }
  return out;
}

/** Where the field that opens at `open` closes. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  throw new TemplateRuntimeError("expected '}' before end of string");
}

function replacement(
  field: string,
  args: readonly Value[],
  keywords: Keywords,
  runtime: Runtime,
  nesting: number,
  numbering: Numbering,
): string {
  const [, name, conversion, spec] = /^([^:!]*)(?:!([^:]*))?(?::([^]*))?$/.exec(field) ?? unsupported("such a format");
  const value = lookUp(name!, args, keywords, runtime, numbering);
  const wanted = expand(spec ?? "", args, keywords, runtime, nesting - 1, numbering);
  if (conversion === undefined) return format(value, wanted, runtime.budget);
  if (conversion === "s") return format(str(value, runtime.budget), wanted, runtime.budget);
  if (conversion === "r") return format(repr(value, runtime.budget), wanted, runtime.budget);
  throw new TemplateRuntimeError("unknown conversion in a format");
}

function lookUp(name: string, args: readonly Value[], keywords: Keywords, runtime: Runtime, numbering: Numbering) {
  const [, first, path] = /^([^.[]*)([^]*)$/.exec(name)!;
  let key = first!;
  if (key === "") {
    if (numbering.manual) throw new TemplateRuntimeError("a format numbers some fields and not others");
    key = String(numbering.next++);
  } else if (/^\d+$/.test(key)) {
    if (numbering.next > 0) throw new TemplateRuntimeError("a format numbers some fields and not others");
    numbering.manual = true;
  }
  let value = /^\d+$/.test(key) ? args[Number(key)] : keywords.get(key);
  if (value === undefined) throw new TemplateRuntimeError("a format names an argument that is not there");
  for (const [whole, attribute, item] of path!.matchAll(/\.([^.[]+)|\[([^\]]+)\]|[^]/g)) {
    if (attribute !== undefined) value = runtime.getAttribute(value, attribute);
    else if (item !== undefined) value = runtime.getItem(value, /^\d+$/.test(item) ? BigInt(item) : item);
    else throw new TemplateRuntimeError(`a format has ${whole} in the wrong place`);
  }
  return value;
}
