/**
 * The values of templates. Python's types that JavaScript has are JavaScript's own: None is null, an int is a bigint, a
 * float is a number, a str is a string, a list is an array. The others are objects of the classes below.
 */
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";

export type Value = null | boolean | bigint | number | string | Value[] | PyObject;

/** What JavaScript has no type of its own for. */
export abstract class PyObject {
  /** Python's name of the type, for messages. */
  abstract readonly type: string;

  /** The attributes of the interpreter's own objects. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }
}

/** A tuple. The fields of a named one, as groupby makes them, are attributes. */
export class Tuple extends PyObject {
  readonly type = "tuple";
  constructor(
    readonly items: readonly Value[],
    readonly fields: readonly string[] = [],
  ) {
    super();
  }
}

/** What stands for a value that is not there. Every use but printing, testing and looping fails. */
export class Undefined extends PyObject {
  readonly type = "Undefined";
  /** @param hint why there is nothing; never a value */
  constructor(readonly hint: string) {
    super();
  }
  /** @throws TemplateRuntimeError always */
  fail(): never {
    throw new TemplateRuntimeError(this.hint);
  }
}

/** A str that the filter `safe` or `escape` has marked. */
export class Markup extends PyObject {
  readonly type = "Markup";
  constructor(readonly text: string) {
    super();
  }
}

/** A range of ints. */
export class Range extends PyObject {
  readonly type = "range";
  readonly length: number;
  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    super();
    const span = step > 0n ? stop - start : start - stop;
    const stride = step > 0n ? step : -step;
    this.length = span <= 0n ? 0 : Number((span + stride - 1n) / stride);
  }
  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }
}

/** A generator, or another iterator: it can be gone through once. */
export class Iter extends PyObject {
  readonly type = "generator";
  constructor(readonly source: Iterator<Value>) {
    super();
  }
}

/** A namespace(): the one thing whose attributes can be set. */
export class Namespace extends PyObject {
  readonly type = "Namespace";
  readonly attributes = new Map<string, Value>();

  set(name: string, value: Value): void {
    if (name.startsWith("_")) throw new TemplateRuntimeError(`namespaces hold no attribute that begins with "_"`);
    this.attributes.set(name, value);
  }
}

/** Arguments by name. */
export type Keywords = ReadonlyMap<string, Value>;

/** Something that can be called. */
export class Callable extends PyObject {
  readonly type: string = "function";
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], keywords: Keywords) => Value,
  ) {
    super();
  }
}

/** A dict. */
export class Dict extends PyObject {
  readonly type = "dict";
  readonly #entries = new Map<unknown, [Value, Value]>();

  static from(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws TemplateRuntimeError where the key cannot be hashed */
  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashKey(key));
  }

  /** A key that is there keeps its place and its own spelling: 1 and 1.0 are one key. */
  set(key: Value, value: Value): void {
    const hash = hashKey(key);
    const entry = this.#entries.get(hash);
    if (entry === undefined) this.#entries.set(hash, [key, value]);
    else entry[1] = value;
  }

  *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  *values(): Generator<Value> {
    for (const [, value] of this.#entries.values()) yield value;
  }

  entries(): Iterable<[Value, Value]> {
    return this.#entries.values();
  }
}

/** What dict.keys(), values() and items() give. */
export class DictView extends PyObject {
  constructor(
    readonly dict: Dict,
    readonly kind: "keys" | "values" | "items",
  ) {
    super();
  }
  get type(): string {
    return `dict_${this.kind}`;
  }
  *[Symbol.iterator](): Generator<Value> {
    if (this.kind === "items") for (const entry of this.dict.entries()) yield new Tuple([...entry]);
    else yield* this.kind === "keys" ? this.dict.keys() : this.dict.values();
  }
}

/**
 * A key of a JavaScript Map that is the same for values that Python takes for the same.
 *
 * @throws TemplateRuntimeError where the value cannot be hashed
 */
export function hashKey(value: Value): unknown {
  if (typeof value === "string") return value.startsWith("\0") ? `\0s${value}` : value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") {
    if (Number.isNaN(value)) throw new UnsupportedError("nan as a key is not supported");
    return Number.isInteger(value) ? BigInt(value) : value;
  }
  if (value === null || typeof value === "bigint") return value;
  if (value instanceof Markup) return hashKey(value.text);
  if (value instanceof Undefined) return "\0u";
  if (value instanceof Tuple) return `\0t${tupleText(value)}`;
  if (Array.isArray(value) || value instanceof Dict) {
    throw new TemplateRuntimeError(`unhashable type: '${typeName(value)}'`);
  }
  if (value instanceof DictView || value instanceof Range) throw new UnsupportedError(`a ${value.type} as a key`);
  return value;
}

/** Of tuples within tuples, one may stand for very many. */
const MAX_TUPLE = 1_000_000;

function tupleText(tuple: Tuple): string {
  let text = "";
  for (const item of tuple.items) {
    text += hashText(item);
    if (text.length > MAX_TUPLE) throw new UnsupportedError("so large a tuple as a key is not supported");
  }
  return text;
}

/** The key of a tuple's element: its length keeps two neighbours apart. */
function hashText(value: Value): string {
  const key = hashKey(value);
  if (typeof key === "object" && key !== null) throw new UnsupportedError("such a tuple as a key is not supported");
  const text = String(key);
  return `${typeof key}${text.length}:${text}`;
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "str";
  return Array.isArray(value) ? "list" : value.type;
}

/** The text of a str, marked or not; undefined: it is none. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : undefined;
}

/** How deep what is given to a template may be nested. */
const MAX_DEPTH = 200;

/**
 * What JSON holds, as a template's values. Whole numbers are ints, as far as JavaScript holds them exactly.
 *
 * @throws TemplateRuntimeError where a value is none of JSON, or nested too deep
 */
export function fromJson(value: unknown, depth = 0): Value {
  if (depth > MAX_DEPTH) throw new TemplateRuntimeError("what the template is given is nested too deep");
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (value instanceof PyObject) return value;
  if (Array.isArray(value)) return value.map((item) => fromJson(item, depth + 1));
  if (typeof value !== "object") throw new TemplateRuntimeError(`a ${typeof value} cannot be given to a template`);
  return Dict.from(Object.entries(value).map(([key, item]) => [key, fromJson(item, depth + 1)] as const));
}

/** Characters and elements of what a template is given, for its budget. */
export function sizeOf(value: Value): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item), value.length);
  if (!(value instanceof Dict)) return 1;
  let size = 0;
  for (const [key, item] of value.entries()) size += sizeOf(key) + sizeOf(item);
  return size;
}
