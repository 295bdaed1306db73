/** The variable `loop` of a for loop. */
import { positional } from "./arguments.js";
import type { Budget } from "./budget.js";
import { equals } from "./compare.js";
import { TemplateRuntimeError } from "./errors.js";
import { iterate, lengthOf } from "./iterate.js";
import { Callable, Iter, PyObject, Tuple, Undefined, type Keywords, type Value } from "./values.js";

/** Runs the loop's body anew for what it is called with, one level deeper. */
export type Recursion = (items: Value, depth: number) => string;

/** One run of a loop: it knows what comes next, and looks ahead only when asked. */
export class LoopContext extends PyObject {
  readonly type = "LoopContext";
  #iterator: Iterator<Value>;
  #length: number | undefined;
  #index = -1;
  #after: IteratorResult<Value> | undefined;
  #current: Value | undefined;
  #before: Value | undefined;
  #lastChanged: Value = null;

  /**
   * @param items what it goes through
   * @param recursion undefined: the loop is not recursive
   * @param depth how many loops of the same statement it runs in
   * @param budget of the rendering
   */
  constructor(
    readonly items: Value,
    readonly recursion: Recursion | undefined,
    readonly depth: number,
    readonly budget: Budget,
  ) {
    super();
    this.#iterator = iterate(items);
  }

  /** Goes on to the next element; undefined: there is none. */
  next(): Value | undefined {
    const next = this.#after ?? this.#iterator.next();
    this.#after = undefined;
    if (next.done === true) return undefined;
    this.#index++;
    this.#before = this.#current;
    this.#current = next.value;
    return next.value;
  }

  #peek(): Value | undefined {
    this.#after ??= this.#iterator.next();
    return this.#after.done === true ? undefined : this.#after.value;
  }

  /** How many elements there are. A generator has to be read to its end for that. */
  get length(): number {
    if (this.#length !== undefined) return this.#length;
    const known = this.items instanceof Iter ? undefined : lengthOf(this.items);
    if (known !== undefined) return (this.#length = known);
    const rest: Value[] = [];
    for (let next = this.#iterator.next(); next.done !== true; next = this.#iterator.next()) rest.push(next.value);
    this.#iterator = rest.values();
    const ahead = this.#after !== undefined && this.#after.done !== true ? 1 : 0;
    return (this.#length = rest.length + this.#index + 1 + ahead);
  }

  /** `loop.name` */
  override attribute(name: string): Value | undefined {
    switch (name) {
      case "index":
        return BigInt(this.#index + 1);
      case "index0":
        return BigInt(this.#index);
      case "first":
        return this.#index === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
        return BigInt(this.length);
      case "revindex":
        return BigInt(this.length - this.#index);
      case "revindex0":
        return BigInt(this.length - this.#index - 1);
      case "depth":
        return BigInt(this.depth + 1);
      case "depth0":
        return BigInt(this.depth);
      case "previtem":
        return orNothing(this.#index === 0 ? undefined : this.#before, "there is no previous item");
      case "nextitem":
        return orNothing(this.#peek(), "there is no next item");
      case "cycle":
        return new Callable(name, (args, keywords) => this.#cycle(args, keywords));
      case "changed":
        return new Callable(name, (args) => this.#changed(new Tuple(args)));
      default:
        return undefined;
    }
  }

  #cycle(args: readonly Value[], keywords: Keywords): Value {
    positional("cycle", [], [], keywords);
    if (args.length === 0) throw new TemplateRuntimeError("no items for cycling given");
    return args[this.#index % args.length]!;
  }

  #changed(value: Tuple): boolean {
    if (this.#lastChanged !== null && equals(this.#lastChanged, value, this.budget)) return false;
    this.#lastChanged = value;
    return true;
  }

  /** `loop(items)` */
  recurse(args: readonly Value[], keywords: Keywords): Value {
    const items = positional("loop", ["iterable"], args, keywords).get("iterable", null);
    if (this.recursion === undefined) {
      throw new TemplateRuntimeError("The loop must have the 'recursive' marker to be called recursively.");
    }
    return this.recursion(items, this.depth + 1);
  }
}

/** None is an item, nothing is not. */
function orNothing(item: Value | undefined, hint: string): Value {
  return item === undefined ? new Undefined(hint) : item;
}
