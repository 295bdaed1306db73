/** Binds the arguments of a call to parameters, as Python does. */
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { truthy } from "./compare.js";
import { truncate } from "./numbers.js";
import { textOf, typeName, Undefined, type Keywords, type Value } from "./values.js";

/** No arguments by name. */
export const noKeywords: Keywords = new Map();

/** The arguments of one call by their parameters. */
export class Bound {
  constructor(
    readonly name: string,
    readonly values: ReadonlyMap<string, Value>,
  ) {}

  /** As given; `fallback` where it was not. */
  get<T extends Value>(parameter: string, fallback: T): Value | T {
    return this.values.get(parameter) ?? (this.values.has(parameter) ? null : fallback);
  }

  has(parameter: string): boolean {
    return this.values.has(parameter);
  }

  /** @throws TemplateRuntimeError where it is no str */
  text(parameter: string, fallback?: string): string {
    const value = this.get(parameter, fallback ?? null);
    const text = textOf(value);
    if (text === undefined) throw this.#wrong(parameter, value, "a str");
    return text;
  }

  /** A str or None. @throws TemplateRuntimeError where it is neither */
  textOrNone(parameter: string): string | null {
    return this.get(parameter, null) === null ? null : this.text(parameter);
  }

  /** An int within JavaScript's exact ones. @throws TemplateRuntimeError where it is none */
  integer(parameter: string, fallback?: number): number {
    const value = this.get(parameter, fallback === undefined ? null : BigInt(fallback));
    return toIndex(value, `${this.name}(): ${parameter}`);
  }

  /** Whether it counts as true. */
  flag(parameter: string, fallback = false): boolean {
    return truthy(this.get(parameter, fallback));
  }

  #wrong(parameter: string, value: Value, wanted: string): TemplateRuntimeError {
    if (value instanceof Undefined) value.fail();
    return new TemplateRuntimeError(`${this.name}(): ${parameter} must be ${wanted}, not ${typeName(value)}`);
  }
}

/** An int, or true or false, as a number. @throws TemplateRuntimeError where it is none */
export function toIndex(value: Value, what: string): number {
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "bigint") {
    if (value instanceof Undefined) value.fail();
    throw new TemplateRuntimeError(`${what} must be an int, not ${typeName(value)}`);
  }
  // Whoever means "as far as it goes" means it still.
  if (value > 9007199254740991n) return Number.MAX_SAFE_INTEGER;
  return value < -9007199254740991n ? -Number.MAX_SAFE_INTEGER : Number(value);
}

/**
 * @param parameters names in order; `?` at the end: may be left out
 * @throws TemplateRuntimeError where an argument is missing, unknown or given twice
 */
export function bind(name: string, parameters: readonly string[], args: readonly Value[], keywords: Keywords): Bound {
  const names = parameters.map((parameter) => parameter.replace("?", ""));
  if (args.length > names.length) throw new TemplateRuntimeError(`${name}() takes at most ${names.length} arguments`);
  const values = new Map<string, Value>();
  args.forEach((value, i) => values.set(names[i]!, value));
  for (const [key, value] of keywords) {
    if (!names.includes(key)) throw new TemplateRuntimeError(`${name}() has no parameter "${key}"`);
    if (values.has(key)) throw new TemplateRuntimeError(`${name}() got "${key}" twice`);
    values.set(key, value);
  }
  const missing = parameters.find((parameter) => !parameter.endsWith("?") && !values.has(parameter));
  if (missing !== undefined) throw new TemplateRuntimeError(`${name}() needs "${missing}"`);
  return new Bound(name, values);
}

/** Arguments that Python takes by their places alone. */
export function positional(name: string, parameters: readonly string[], args: readonly Value[], keywords: Keywords) {
  if (keywords.size > 0) throw new TemplateRuntimeError(`${name}() takes no keyword arguments`);
  return bind(name, parameters, args, keywords);
}

/** A number that Python's int() would make of a value; undefined: it would not. */
export function intOf(value: Value): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return BigInt(value);
  if (typeof value === "number") return truncate(value);
  if (value instanceof Undefined) value.fail();
  return undefined;
}

/** For what Python has and nobody has asked for yet. */
export function unsupported(what: string): never {
  throw new UnsupportedError(`${what} is not supported`);
}
