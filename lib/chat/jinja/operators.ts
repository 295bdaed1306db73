/** Arithmetic, concatenation and slices. */
import type { Budget } from "./budget.js";
import { numberOf } from "./compare.js";
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { percentFormat } from "./format-percent.js";
import { checkInt, fraction, MAX_INT_DIGITS, ratio, toFloat, tooLong } from "./numbers.js";
import { escape } from "./escape.js";
import { str } from "./repr.js";
import { characters, toText } from "./text.js";
import { Markup, Range, textOf, Tuple, typeName, Undefined, type Value } from "./values.js";

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/** `left op right`. @throws TemplateRuntimeError where the types do not go together */
export function binary(op: BinaryOperator, left: Value, right: Value, budget: Budget): Value {
  if (op === "%" && typeof left === "string") return percentFormat(left, right, budget);
  for (const value of [left, right]) {
    if (value instanceof Undefined) value.fail();
    if (value instanceof Markup && op !== "+") throw new UnsupportedError(`${op} with a text that was marked safe`);
  }
  if (left instanceof Markup || right instanceof Markup) return concatSafe(left, right, budget);
  const [x, y] = [numberOf(left), numberOf(right)];
  if (x !== undefined && y !== undefined) {
    budget.step(3);
    return arithmetic(op, x, y);
  }
  if (op === "+") {
    if (typeof left === "string" && typeof right === "string") return concat(left, right, budget);
    if (Array.isArray(left) && Array.isArray(right)) {
      budget.allocateElements(left.length + right.length);
      return [...left, ...right];
    }
    if (left instanceof Tuple && right instanceof Tuple) {
      budget.allocateElements(left.items.length + right.items.length);
      return new Tuple([...left.items, ...right.items]);
    }
  }
  if (op === "*") {
    const [sequence, count] = y === undefined ? [right, x] : [left, y];
    if (typeof count === "bigint") {
      const repeated = repeat(sequence, count, budget);
      if (repeated !== undefined) return repeated;
    }
  }
  throw new TemplateRuntimeError(`unsupported operand types for ${op}: '${typeName(left)}' and '${typeName(right)}'`);
}

/** A text that was marked safe and another, which is escaped. */
function concatSafe(left: Value, right: Value, budget: Budget): Markup {
  const [a, b] = [left, right].map((value) => {
    if (textOf(value) === undefined)
      throw new TemplateRuntimeError(`a text and a value of the type '${typeName(value)}'`);
    return escape(value, budget).text;
  });
  return new Markup(concat(a!, b!, budget));
}

/** Two texts as one. JavaScript copies neither until the whole is looked at: what is new is the shorter one. */
function concat(left: string, right: string, budget: Budget): string {
  budget.allocate(Math.min(left.length, right.length) + 8);
  budget.step(1);
  return checkLength(left.length + right.length, budget) && left + right;
}

/** Far below where JavaScript itself gives up. */
const MAX_TEXT = 128 * 1024 * 1024;

function checkLength(length: number, budget: Budget): true {
  if (length > MAX_TEXT) budget.allocate(Infinity);
  return true;
}

/** `a ~ b ~ …` */
export function joinTexts(values: readonly Value[], budget: Budget): string {
  return values.map((value) => str(value, budget)).reduce((whole, text) => concat(whole, text, budget), "");
}

function repeat(sequence: Value, count: bigint, budget: Budget): Value | undefined {
  const items =
    sequence instanceof Tuple
      ? sequence.items
      : typeof sequence === "string" || Array.isArray(sequence)
        ? sequence
        : undefined;
  if (items === undefined) return undefined;
  const total = count <= 0n ? 0n : BigInt(items.length) * count;
  budget.allocate(Number(total));
  if (typeof items !== "string") budget.allocateElements(Number(total));
  const n = total === 0n ? 0 : Number(count);
  if (typeof items === "string") return items.repeat(n);
  const all: Value[] = [];
  for (let i = 0; i < n; i++) for (const item of items) all.push(item);
  return sequence instanceof Tuple ? new Tuple(all) : all;
}

function arithmetic(op: BinaryOperator, x: bigint | number, y: bigint | number): Value {
  if (typeof x === "bigint" && typeof y === "bigint") return ints(op, x, y);
  return floats(op, typeof x === "bigint" ? toFloat(x) : x, typeof y === "bigint" ? toFloat(y) : y);
}

function ints(op: BinaryOperator, x: bigint, y: bigint): Value {
  if (y === 0n && (op === "/" || op === "//" || op === "%")) throw new TemplateRuntimeError("division by zero");
  switch (op) {
    case "+":
      return checkInt(x + y);
    case "-":
      return checkInt(x - y);
    case "*":
      return checkInt(x * y);
    case "/": {
      const quotient = y < 0n ? ratio(-x, -y) : ratio(x, y);
      if (!Number.isFinite(quotient)) throw new TemplateRuntimeError("integer division result too large for a float");
      return x === 0n && y < 0n ? -0 : quotient;
    }
    case "//":
      return floorDiv(x, y);
    case "%":
      return x - y * floorDiv(x, y);
    case "**": {
      if (y < 0n) return floats("**", toFloat(x), toFloat(y));
      const size = x < 2n && x > -2n ? 1 : x.toString(2).length;
      if (size > 1 && BigInt(size) * y > 8n * BigInt(MAX_INT_DIGITS)) tooLong();
      return x < 2n && x > -2n ? smallPower(x, y) : checkInt(x ** y);
    }
  }
}

function smallPower(x: bigint, y: bigint): bigint {
  if (y === 0n) return 1n;
  return x === -1n && y % 2n === 0n ? 1n : x;
}

function floorDiv(x: bigint, y: bigint): bigint {
  const quotient = x / y;
  return x % y !== 0n && x < 0n !== y < 0n ? quotient - 1n : quotient;
}

function floats(op: BinaryOperator, x: number, y: number): Value {
  if (y === 0 && (op === "/" || op === "//" || op === "%")) throw new TemplateRuntimeError("division by zero");
  switch (op) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
    case "%":
      return modulo(x, y);
    case "//":
      return floatFloorDiv(x, y);
    case "**":
      return power(x, y);
  }
}

/** The remainder with the sign of the divisor. */
function modulo(x: number, y: number): number {
  const rest = x % y;
  if (rest === 0) return y < 0 ? -0 : 0;
  return rest < 0 !== y < 0 ? rest + y : rest;
}

function floatFloorDiv(x: number, y: number): number {
  const rest = x % y;
  let quotient = (x - rest) / y;
  if (rest !== 0 && rest < 0 !== y < 0) quotient -= 1;
  if (quotient === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function power(x: number, y: number): number {
  if (x === 0 && y < 0) throw new TemplateRuntimeError("0.0 cannot be raised to a negative power");
  if (x < 0 && Number.isFinite(x) && Number.isFinite(y) && !Number.isInteger(y)) {
    throw new UnsupportedError("complex numbers are not supported");
  }
  if (x === 1 || y === 0) return 1;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return x ** y;
  const result = y === 0.5 ? Math.sqrt(x) : integerPower(x, y);
  if (!Number.isFinite(result)) throw new TemplateRuntimeError("the result of ** is too large");
  return result;
}

/** JavaScript's own ** is not exact. */
function integerPower(x: number, y: number): number {
  if (!Number.isInteger(y) || Math.abs(y) > 64) throw new UnsupportedError("such a power of a float is not supported");
  if (x === 0) return y % 2 === 0 ? 0 : x;
  const [n, d] = fraction(x);
  const [a, b] = [n ** BigInt(Math.abs(y)), d ** BigInt(Math.abs(y))];
  if (y > 0) return ratio(a, b);
  return a < 0n ? ratio(-b, -a) : ratio(b, a);
}

/** `-value` or `+value` */
export function unary(op: "-" | "+", value: Value): Value {
  if (value instanceof Undefined) value.fail();
  const number = numberOf(value);
  if (number === undefined) throw new TemplateRuntimeError(`bad operand type for ${op}: '${typeName(value)}'`);
  return op === "-" ? -number : number;
}

/** `value[start:stop:step]`; null: left out. @throws TemplateRuntimeError where the value has no parts */
export function slice(value: Value, start: Value, stop: Value, step: Value, budget: Budget): Value {
  if (value instanceof Undefined) value.fail();
  if (value instanceof Range) return sliceRange(value, start, stop, step);
  const text = textOf(value);
  const items = text !== undefined ? characters(text) : value instanceof Tuple ? value.items : value;
  if (typeof items !== "string" && !Array.isArray(items)) {
    throw new TemplateRuntimeError(`'${typeName(value)}' object has no parts`);
  }
  const part = sliceItems(items as string | Value[], start, stop, step);
  budget.allocate(part.length);
  budget.scan(part.length * 4);
  if (text === undefined) return value instanceof Tuple ? new Tuple(part as Value[]) : part;
  const textPart = toText(part as string | string[]);
  return value instanceof Markup ? new Markup(textPart) : textPart;
}

/** Where a slice of so many elements begins and ends, and its stride. */
function bounds(length: number, start: Value, stop: Value, step: Value): [from: bigint, to: bigint, stride: bigint] {
  const n = BigInt(length);
  const stride = step === null ? 1n : index(step);
  if (stride === 0n) throw new TemplateRuntimeError("slice step cannot be zero");
  const [low, high] = stride > 0n ? [0n, n] : [-1n, n - 1n];
  const clamp = (at: Value, otherwise: bigint) => {
    if (at === null) return otherwise;
    const given = index(at);
    const from = given < 0n ? given + n : given;
    return from < low ? low : from > high ? high : from;
  };
  return [clamp(start, stride > 0n ? low : high), clamp(stop, stride > 0n ? high : low), stride];
}

function sliceRange(range: Range, start: Value, stop: Value, step: Value): Range {
  const [from, to, stride] = bounds(range.length, start, stop, step);
  return new Range(range.start + from * range.step, range.start + to * range.step, range.step * stride);
}

function sliceItems(items: string | Value[], start: Value, stop: Value, step: Value): string | Value[] {
  const [from, to, stride] = bounds(items.length, start, stop, step).map(Number) as [number, number, number];
  if (stride === 1) return items.slice(from, Math.max(from, to));
  const places: number[] = [];
  for (let i = from; stride > 0 ? i < to : i > to; i += stride) places.push(i);
  return typeof items === "string" ? places.map((i) => items[i]!).join("") : places.map((i) => items[i]!);
}

function index(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return BigInt(value);
  if (value instanceof Undefined) value.fail();
  throw new TemplateRuntimeError("slice indices must be integers or None");
}
