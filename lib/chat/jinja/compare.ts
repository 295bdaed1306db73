/** Truth, equality, order and membership. */
import type { Budget } from "./budget.js";
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { iterate } from "./iterate.js";
import { Dict, DictView, Markup, Range, textOf, Tuple, typeName, Undefined, type Value } from "./values.js";

/** How deep values that are compared may be nested. */
const MAX_DEPTH = 300;

/** bool(value) */
export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "object" && !Array.isArray(value)) {
    if (value instanceof Dict) return value.size > 0;
    if (value instanceof Tuple) return value.items.length > 0;
    if (value instanceof Range) return value.length > 0;
    if (value instanceof DictView) return value.dict.size > 0;
    if (value instanceof Markup) return value.text !== "";
    return true;
  }
  // NaN is true in Python.
  if (typeof value === "number") return value !== 0;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** A number, true and false counting as 1 and 0; undefined: the value is none. */
export function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return typeof value === "boolean" ? BigInt(value) : undefined;
}

/** a == b */
export function equals(a: Value, b: Value, budget: Budget, depth = 0): boolean {
  budget.step();
  if (depth > MAX_DEPTH) throw new TemplateRuntimeError("values are nested too deep to be compared");
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return numbersEqual(x, y);
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    budget.scan(Math.min(s.length, t.length) / 16);
    return s === t;
  }
  if (Array.isArray(a)) return Array.isArray(b) && itemsEqual(a, b, budget, depth);
  if (a instanceof Tuple) return b instanceof Tuple && itemsEqual(a.items, b.items, budget, depth);
  if (a instanceof Dict) return b instanceof Dict && dictsEqual(a, b, budget, depth);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Range) return b instanceof Range && rangesEqual(a, b);
  if (a instanceof DictView && b instanceof DictView && a !== b) throw new UnsupportedError("== of two views of dicts");
  return a === b;
}

/** Python takes a value for equal to itself, unseen. */
function isSame(a: Value, b: Value): boolean {
  return a === b && typeof a === "object";
}

// A bigint and a number are compared exactly, as Python does.
function numbersEqual(x: bigint | number, y: bigint | number): boolean {
  return typeof x === typeof y ? x === y : Number.isFinite(Number(x)) && x <= y && x >= y;
}

/** Two ranges that give the same numbers. */
function rangesEqual(a: Range, b: Range): boolean {
  if (a.length !== b.length || a.length === 0) return a.length === b.length;
  return a.start === b.start && (a.length === 1 || a.step === b.step);
}

function itemsEqual(a: readonly Value[], b: readonly Value[], budget: Budget, depth: number): boolean {
  if (a.length !== b.length) return false;
  return a.every((item, i) => isSame(item, b[i]!) || equals(item, b[i]!, budget, depth + 1));
}

function dictsEqual(a: Dict, b: Dict, budget: Budget, depth: number): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries()) {
    const other = b.get(key);
    if (other === undefined) return false;
    if (!isSame(value, other) && !equals(value, other, budget, depth + 1)) return false;
  }
  return true;
}

/** a < b. @throws TemplateRuntimeError where the two have no order */
export function lessThan(a: Value, b: Value, budget: Budget): boolean {
  return order(a, b, (x, y) => x < y, budget, 0);
}

/** a <= b. @throws TemplateRuntimeError where the two have no order */
export function lessOrEqual(a: Value, b: Value, budget: Budget): boolean {
  return order(a, b, (x, y) => x <= y, budget, 0);
}

type Numeric = bigint | number;

type Test = (x: Numeric, y: Numeric) => boolean;

function order(a: Value, b: Value, test: Test, budget: Budget, depth: number): boolean {
  budget.step(3);
  if (depth > MAX_DEPTH) throw new TemplateRuntimeError("values are nested too deep to be compared");
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return test(x, y);
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    budget.scan(Math.min(s.length, t.length));
    return test(compareTexts(s, t), 0);
  }
  const lists = Array.isArray(a) && Array.isArray(b);
  const tuples = a instanceof Tuple && b instanceof Tuple;
  if (lists || tuples) {
    const left: readonly Value[] = Array.isArray(a) ? a : a.items;
    const right: readonly Value[] = Array.isArray(b) ? b : b.items;
    for (let i = 0; i < left.length && i < right.length; i++) {
      const [x, y] = [left[i]!, right[i]!];
      if (!isSame(x, y) && !equals(x, y, budget, depth + 1)) return order(x, y, test, budget, depth + 1);
    }
    return test(left.length, right.length);
  }
  for (const value of [a, b]) if (value instanceof Undefined) value.fail();
  throw new TemplateRuntimeError(`'${typeName(a)}' and '${typeName(b)}' have no order`);
}

/** By code points: UTF-16 would put the last of the first plane behind the second. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** `value in container`. @throws TemplateRuntimeError where the container is none */
export function contains(container: Value, value: Value, budget: Budget): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(value);
    if (part === undefined) throw new TemplateRuntimeError(`'in <string>' requires a string, not ${typeName(value)}`);
    budget.scan(text.length * (1 + Math.floor(part.length / 64)));
    return text.includes(part);
  }
  if (container instanceof Dict) return container.has(value);
  if (container instanceof DictView && container.kind === "keys") return container.dict.has(value);
  if (container === null || typeof container !== "object") {
    throw new TemplateRuntimeError(`a value of the type '${typeName(container)}' contains nothing`);
  }
  for (const item of iterate(container)) if (isSame(item, value) || equals(item, value, budget)) return true;
  return false;
}
