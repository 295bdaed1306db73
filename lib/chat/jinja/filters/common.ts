/** What filters share. */
import { TemplateRuntimeError, UnsupportedError } from "../errors.js";
import type { Runtime } from "../runtime.js";
import { str } from "../repr.js";
import { iterate } from "../iterate.js";
import { Markup, textOf, Undefined, type Keywords, type Value } from "../values.js";
import { bind, type Bound } from "../arguments.js";

/** `value | name(…)` */
export type Filter = (runtime: Runtime, value: Value, args: readonly Value[], keywords: Keywords) => Value;

/** A filter with these parameters behind its value. */
export const filter =
  (
    name: string,
    parameters: readonly string[],
    body: (value: Value, given: Bound, runtime: Runtime) => Value,
  ): Filter =>
  (runtime, value, args, keywords) =>
    body(value, bind(name, parameters, args, keywords), runtime);

/** A filter of texts: any value is written first. */
export const textFilter = (
  name: string,
  parameters: readonly string[],
  body: (text: string, given: Bound, runtime: Runtime) => Value,
): Filter =>
  filter(name, parameters, (value, given, runtime) => {
    if (value instanceof Markup) throw new UnsupportedError(`the filter ${name} of a text that was marked safe`);
    const text = str(value, runtime.budget);
    runtime.budget.allocate(text.length);
    return body(text, given, runtime);
  });

/** The elements of a value, counted. */
export function itemsOf(value: Value, runtime: Runtime): Value[] {
  const items: Value[] = [];
  for (const item of iterate(value)) {
    runtime.budget.step();
    runtime.budget.allocate(1);
    items.push(item);
  }
  return items;
}

/** `value.a.b.0` for the path "a.b.0"; an int is an index; None is the value itself. */
export function attributeGetter(path: Value, runtime: Runtime, fallback?: Value): (item: Value) => Value {
  const text = textOf(path);
  const parts: Value[] =
    path === null
      ? []
      : text === undefined
        ? [path]
        : text.split(".").map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (item) => {
    runtime.budget.step();
    let value = item;
    for (const part of parts) {
      value = runtime.getItem(value, part);
      if (fallback !== undefined && fallback !== null && value instanceof Undefined) value = fallback;
    }
    return value;
  };
}

/** A text in lower case, any other value as it is. */
export function ignoreCase(value: Value): Value {
  const text = textOf(value);
  return text === undefined ? value : text.toLowerCase();
}

/** An argument that has to be a whole number, floats included where they are one. */
export function wholeNumber(value: Value, what: string): number {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Undefined) value.fail();
  throw new TemplateRuntimeError(`${what} must be an int`);
}
