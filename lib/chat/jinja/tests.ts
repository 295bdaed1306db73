/** Jinja's tests: what may stand behind `is`. */
import { bind, positional } from "./arguments.js";
import { contains, equals, lessOrEqual, lessThan, numberOf } from "./compare.js";
import { TemplateRuntimeError } from "./errors.js";
import { filters } from "./filters/all.js";
import { isIterable } from "./iterate.js";
import { LoopContext } from "./loop.js";
import { isLower, isUpper } from "./methods-str.js";
import { binary } from "./operators.js";
import type { Budget } from "./budget.js";
import { str } from "./repr.js";
import {
  Callable,
  Dict,
  hashKey,
  Markup,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Keywords,
  type Value,
} from "./values.js";

/** `value is name(…)` */
export type Test = (budget: Budget, value: Value, args: readonly Value[], keywords: Keywords) => boolean;

const plain =
  (name: string, test: (value: Value, budget: Budget) => boolean): Test =>
  (budget, value, args, keywords) => {
    positional(name, [], args, keywords);
    return test(value, budget);
  };

const withOther =
  (name: string, parameter: string, test: (value: Value, other: Value, budget: Budget) => boolean): Test =>
  (budget, value, args, keywords) =>
    test(value, bind(name, [parameter], args, keywords).get(parameter, null), budget);

/** value % divisor == rest, as Python has it: also for floats. */
function leaves(value: Value, divisor: Value, rest: bigint, budget: Budget): boolean {
  if (typeof value === "string") throw new TemplateRuntimeError("not all arguments converted during string formatting");
  return equals(binary("%", value, divisor, budget), rest, budget);
}

function isSame(a: Value, b: Value): boolean {
  if (a instanceof Undefined || b instanceof Undefined) return a === b;
  return typeName(a) === typeName(b) && Object.is(a, b);
}

const isSequence = (value: Value) =>
  textOf(value) !== undefined ||
  Array.isArray(value) ||
  [Tuple, Dict, Range, Undefined].some((kind) => value instanceof kind);

/** @throws TemplateRuntimeError where the value can be no key at all */
function isKeyOf(map: ReadonlyMap<string, unknown>, value: Value): boolean {
  const key = hashKey(value);
  return typeof key === "string" && map.has(key);
}

const named: [names: string, test: Test][] = [
  ["odd", plain("odd", (value, budget) => leaves(value, 2n, 1n, budget))],
  ["even", plain("even", (value, budget) => leaves(value, 2n, 0n, budget))],
  ["divisibleby", withOther("divisibleby", "num", (value, num, budget) => leaves(value, num, 0n, budget))],
  ["defined", plain("defined", (value) => !(value instanceof Undefined))],
  ["undefined", plain("undefined", (value) => value instanceof Undefined)],
  ["filter", plain("filter", (value) => isKeyOf(filters, value))],
  ["test", plain("test", (value) => isKeyOf(tests, value))],
  ["none", plain("none", (value) => value === null)],
  ["boolean", plain("boolean", (value) => typeof value === "boolean")],
  ["false", plain("false", (value) => value === false)],
  ["true", plain("true", (value) => value === true)],
  ["integer", plain("integer", (value) => typeof value === "bigint")],
  ["float", plain("float", (value) => typeof value === "number")],
  ["lower", plain("lower", (value, budget) => isLower(str(value, budget)))],
  ["upper", plain("upper", (value, budget) => isUpper(str(value, budget)))],
  ["string", plain("string", (value) => textOf(value) !== undefined)],
  ["mapping", plain("mapping", (value) => value instanceof Dict)],
  ["number", plain("number", (value) => numberOf(value) !== undefined)],
  ["sequence", plain("sequence", isSequence)],
  ["sameas", withOther("sameas", "other", isSame)],
  ["iterable", plain("iterable", (value) => isIterable(value) || value instanceof LoopContext)],
  ["callable", plain("callable", (v) => v instanceof Callable || v instanceof LoopContext || v instanceof Undefined)],
  ["escaped", plain("escaped", (value) => value instanceof Markup)],
  ["in", withOther("in", "seq", (value, seq, budget) => contains(seq, value, budget))],
  ["== eq equalto", withOther("eq", "other", (a, b, budget) => equals(a, b, budget))],
  ["!= ne", withOther("ne", "other", (a, b, budget) => !equals(a, b, budget))],
  ["> gt greaterthan", withOther("gt", "other", (a, b, budget) => lessThan(b, a, budget))],
  [">= ge", withOther("ge", "other", (a, b, budget) => lessOrEqual(b, a, budget))],
  ["< lt lessthan", withOther("lt", "other", (a, b, budget) => lessThan(a, b, budget))],
  ["<= le", withOther("le", "other", (a, b, budget) => lessOrEqual(a, b, budget))],
];

/** By name; some have several. */
export const tests: ReadonlyMap<string, Test> = new Map(
  named.flatMap(([names, test]) => names.split(" ").map((name) => [name, test] as const)),
);
