/** Going through values, and their lengths. */
import { TemplateRuntimeError } from "./errors.js";
import { length as textLength } from "./text.js";
import { Dict, DictView, Iter, Markup, Range, textOf, Tuple, typeName, Undefined, type Value } from "./values.js";

/** Whether {@link iterate} can go through a value. */
export function isIterable(value: Value): boolean {
  if (typeof value === "string" || Array.isArray(value)) return true;
  const kinds = [Dict, DictView, Iter, Markup, Range, Tuple, Undefined];
  return kinds.some((kind) => value instanceof kind);
}

/**
 * iter(value). What stands in an {@link Iter} is used up.
 *
 * @throws TemplateRuntimeError where the value cannot be gone through
 */
export function iterate(value: Value): IterableIterator<Value> {
  if (Array.isArray(value)) return value.values();
  if (typeof value === "string") return value[Symbol.iterator]();
  if (value instanceof Markup) return value.text[Symbol.iterator]();
  if (value instanceof Tuple) return value.items.values();
  if (value instanceof Dict) return value.keys();
  if (value instanceof DictView) return value[Symbol.iterator]();
  if (value instanceof Range) return numbers(value);
  if (value instanceof Iter) return rest(value);
  if (value instanceof Undefined) return [][Symbol.iterator]();
  throw new TemplateRuntimeError(`'${typeName(value)}' object is not iterable`);
}

function* numbers(range: Range): Generator<Value> {
  for (let i = 0; i < range.length; i++) yield range.at(i);
}

// Not a `for` over the source: leaving that early would close it, and what is left could not be read on.
function* rest(iter: Iter): Generator<Value> {
  for (;;) {
    const next = iter.source.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** len(value); undefined: it has none. */
export function lengthOf(value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) return textLength(text);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof DictView) return value.dict.size;
  if (value instanceof Range) return value.length;
  return value instanceof Undefined ? 0 : undefined;
}
