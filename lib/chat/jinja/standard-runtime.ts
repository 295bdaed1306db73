/** The runtime of templates: with all of our filters, tests and methods. */
import { Budget } from "./budget.js";
import { TemplateRuntimeError } from "./errors.js";
import { filters } from "./filters/all.js";
import { LoopContext } from "./loop.js";
import { attributeOf } from "./methods.js";
import type { Runtime } from "./runtime.js";
import { characters } from "./text.js";
import { tests } from "./tests.js";
import {
  Callable,
  Dict,
  Markup,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Keywords,
  type Value,
} from "./values.js";

/** What calling a function, a filter or a test takes, beside what it does with large operands. */
const CALL_STEPS = 8;

/** Of one rendering. */
export class StandardRuntime implements Runtime {
  /**
   * @param budget what it may use
   * @param now the time that strftime_now() tells
   */
  constructor(
    readonly budget: Budget,
    readonly now: Date,
  ) {}

  /** `value.name` */
  getAttribute(value: Value, name: string): Value {
    return firstOf(value, attributeOf(value, name, this), () => this.#item(value, name));
  }

  /** `value[key]` */
  getItem(value: Value, key: Value): Value {
    const name = textOf(key);
    return firstOf(value, this.#item(value, key), () =>
      name === undefined ? undefined : attributeOf(value, name, this),
    );
  }

  /** An element; undefined: there is none. Wrong types of keys find nothing, as in Jinja. */
  #item(value: Value, key: Value): Value | undefined {
    if (value instanceof Undefined) value.fail();
    if (value instanceof Dict) return this.#entry(value, key);
    const index = typeof key === "boolean" ? Number(key) : typeof key === "bigint" ? Number(key) : undefined;
    if (index === undefined) return undefined;
    const text = textOf(value);
    if (text !== undefined) {
      const points = characters(text);
      const character = points[index < 0 ? index + points.length : index];
      return character !== undefined && value instanceof Markup ? new Markup(character) : character;
    }
    if (Array.isArray(value)) return value[index < 0 ? index + value.length : index];
    if (value instanceof Tuple) return value.items[index < 0 ? index + value.items.length : index];
    if (value instanceof Range) {
      const at = index < 0 ? index + value.length : index;
      return at >= 0 && at < value.length ? value.at(at) : undefined;
    }
    return undefined;
  }

  #entry(dict: Dict, key: Value): Value | undefined {
    try {
      return dict.get(key);
    } catch (error) {
      // A list, say, can be no key.
      if (error instanceof TemplateRuntimeError) return undefined;
      throw error;
    }
  }

  /** `callee(…)` @throws TemplateRuntimeError where it cannot be called */
  call(callee: Value, args: readonly Value[], keywords: Keywords): Value {
    this.budget.step(CALL_STEPS);
    if (callee instanceof Undefined) callee.fail();
    if (callee instanceof Callable) return callee.call(args, keywords);
    if (callee instanceof LoopContext) return callee.recurse(args, keywords);
    throw new TemplateRuntimeError(`'${typeName(callee)}' object is not callable`);
  }

  /** `value | name(…)` */
  filter(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value {
    this.budget.step(CALL_STEPS);
    const filter = filters.get(name);
    if (filter === undefined) throw new TemplateRuntimeError("there is no filter of such a name");
    return filter(this, value, args, keywords);
  }

  /** `value is name(…)` */
  test(name: string, value: Value, args: readonly Value[], keywords: Keywords): boolean {
    this.budget.step(CALL_STEPS);
    const test = tests.get(name);
    if (test === undefined) throw new TemplateRuntimeError("there is no test of such a name");
    return test(this.budget, value, args, keywords);
  }
}

/** What was found first. The reason why there is nothing tells the type alone: a name may come from what was given. */
function firstOf(value: Value, first: Value | undefined, second: () => Value | undefined): Value {
  const found = first === undefined ? second() : first;
  if (found !== undefined) return found;
  return new Undefined(`a value of the type '${typeName(value)}' has no such attribute or element`);
}
