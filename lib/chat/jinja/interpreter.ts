/** Runs a parsed template. */
import { noKeywords } from "./arguments.js";
import type { Budget } from "./budget.js";
import { contains, equals, lessOrEqual, lessThan, truthy } from "./compare.js";
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";
import { iterate } from "./iterate.js";
import { LoopContext } from "./loop.js";
import { Macro } from "./macro.js";
import type {
  Arguments,
  CallBlock,
  CallNode,
  Comparison,
  Expression,
  FilterNode,
  For,
  Frame,
  Program,
  Routine,
  Slot,
  Statement,
  Target,
} from "./nodes.js";
import { binary, joinTexts, slice, unary } from "./operators.js";
import { Output } from "./output.js";
import { str } from "./repr.js";
import type { Runtime } from "./runtime.js";
import { Variables } from "./variables.js";
import { Dict, Iter, Namespace, textOf, Tuple, typeName, Undefined, type Keywords, type Value } from "./values.js";

/** How a statement ends when not by its end: undefined, it does. */
type Leave = "break" | "continue" | undefined;

/** One rendering of a template. */
export class Interpreter {
  readonly #blocks: Program["blocks"];

  /** @param context all names that the template finds; what it sets at its top level is added, for its blocks */
  constructor(
    readonly program: Program,
    readonly context: Map<string, Value>,
    readonly runtime: Runtime,
  ) {
    this.#blocks = program.blocks;
  }

  run(): string {
    const output = new Output(this.runtime.budget, "output");
    const variables = new Variables(0, undefined);
    this.#enter(this.program.frame!, variables);
    this.#statements(this.program.body, variables, output);
    return output.toString();
  }

  /** Gives the names of a frame the values with which it begins. */
  #enter({ loads }: Frame, variables: Variables): void {
    for (const { slot, from } of loads) {
      if (from === "parameter") continue;
      if (from === "resolve") variables.set(slot, this.context.get(slot.name));
      else variables.set(slot, from === "missing" ? undefined : variables.get(from));
    }
  }

  #leave({ loads }: Frame, variables: Variables): void {
    for (const { slot } of loads) variables.set(slot, undefined);
  }

  #statements(statements: readonly Statement[], variables: Variables, output: Output): Leave {
    for (const statement of statements) {
      const leave = this.#statement(statement, variables, output);
      if (leave !== undefined) return leave;
    }
    return undefined;
  }

  #statement(statement: Statement, variables: Variables, output: Output): Leave {
    this.runtime.budget.step();
    switch (statement.type) {
      case "Output":
        for (const part of statement.parts) {
          output.write(typeof part === "string" ? part : this.#str(this.#evaluate(part, variables)));
        }
        return undefined;
      case "Set":
        this.#checkNamespaces(statement.target, variables);
        this.#assign(statement.target, this.#evaluate(statement.value, variables), variables);
        return undefined;
      case "If": {
        const branch = statement.branches.find(({ test }) => truthy(this.#evaluate(test, variables)));
        return this.#statements(branch?.body ?? statement.otherwise, variables, output);
      }
      case "For":
        return this.#for(statement, variables, output);
      case "Macro":
        this.#assign(statement.name, this.#macro(statement.name.name, statement, variables), variables);
        return undefined;
      case "CallBlock":
        output.write(written(this.#callBlock(statement, variables)));
        return undefined;
      case "With": {
        const frame = statement.frame!;
        this.#enter(frame, variables);
        statement.targets.forEach((target, i) => {
          this.#assign(target, this.#evaluate(statement.values[i]!, variables), variables);
        });
        const leave = this.#statements(statement.body, variables, output);
        this.#leave(frame, variables);
        return leave;
      }
      case "SetBlock": {
        const frame = statement.frame!;
        this.#enter(frame, variables);
        const inner = new Output(this.runtime.budget, "allocate");
        const leave = this.#statements(statement.body, variables, inner);
        if (leave !== undefined) return leave;
        const text = inner.toString();
        const value = statement.filter === undefined ? text : this.#filter(statement.filter, variables, text);
        this.#checkNamespaces(statement.target, variables);
        this.#assign(statement.target, value, variables);
        this.#leave(frame, variables);
        return undefined;
      }
      case "FilterBlock": {
        const frame = statement.frame!;
        this.#enter(frame, variables);
        const inner = new Output(this.runtime.budget, "allocate");
        const leave = this.#statements(statement.body, variables, inner);
        if (leave !== undefined) return leave;
        output.write(written(this.#filter(statement.filter, variables, inner.toString())));
        this.#leave(frame, variables);
        return undefined;
      }
      case "Scope": {
        const frame = statement.frame!;
        const own = statement.isRoutine ? new Variables(frame.level, variables) : variables;
        this.#enter(frame, own);
        const leave = this.#statements(statement.body, own, output);
        this.#leave(frame, own);
        return leave;
      }
      case "Block":
        this.#block(statement.name, output);
        return undefined;
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "Unsupported":
        throw new UnsupportedError(`${statement.what} is not supported`);
    }
  }

  #str(value: Value): string {
    return str(value, this.runtime.budget);
  }

  #block(name: string, output: Output): void {
    const block = this.#blocks.get(name)!;
    this.runtime.budget.nested(() => {
      const variables = new Variables(0, undefined);
      this.#enter(block.frame!, variables);
      this.#statements(block.body, variables, output);
    });
  }

  #checkNamespaces(target: Target, variables: Variables): void {
    if (target.type === "Tuple") for (const item of target.items) this.#checkNamespaces(item as Target, variables);
    else if (target.type === "NamespaceAttribute" && !(variables.get(target.slot!) instanceof Namespace)) {
      throw new TemplateRuntimeError("cannot assign attribute on non-namespace object");
    }
  }

  #assign(target: Target, value: Value, variables: Variables): void {
    if (target.type === "Name") {
      variables.set(target.slot!, value);
      if (target.exported === true) this.context.set(target.name, value);
    } else if (target.type === "NamespaceAttribute") {
      (variables.get(target.slot!) as Namespace).set(target.attribute, value);
    } else {
      const items: Value[] = [];
      for (const item of iterate(value)) {
        items.push(item);
        if (items.length > target.items.length) break;
      }
      if (items.length !== target.items.length) {
        throw new TemplateRuntimeError(`a value cannot be taken apart into ${target.items.length}`);
      }
      target.items.forEach((item, i) => this.#assign(item as Target, items[i]!, variables));
    }
  }

  #for(node: For, variables: Variables, output: Output): Leave {
    const items = this.#evaluate(node.iterable, variables);
    if (!node.recursive) return this.#loop(node, items, 0, variables, output);
    output.write(this.#recursion(node, variables)(items, 0));
    return undefined;
  }

  /** A recursive loop is a function with names of its own. */
  #recursion(node: For, outer: Variables): (items: Value, depth: number) => string {
    return (items, depth) =>
      this.runtime.budget.nested(() => {
        const inner = new Output(this.runtime.budget, "allocate");
        this.#loop(node, items, depth, new Variables(node.bodyFrame!.level, outer), inner);
        return inner.toString();
      });
  }

  #loop(node: For, items: Value, depth: number, variables: Variables, output: Output): Leave {
    const frame = node.bodyFrame!;
    const source = node.test === undefined ? items : new Iter(this.#passing(node, items, variables));
    const recursion = node.recursive ? this.#recursion(node, variables.outer ?? variables) : undefined;
    const loop = node.loop === undefined ? undefined : new LoopContext(source, recursion, depth, this.runtime.budget);
    const iterator = loop === undefined ? iterate(source) : undefined;
    let ran = false;
    for (;;) {
      let item: Value | undefined;
      if (loop !== undefined) item = loop.next();
      else {
        const next = iterator!.next();
        item = next.done === true ? undefined : next.value;
      }
      if (item === undefined) break;
      this.runtime.budget.step();
      this.#assign(node.target, item, variables);
      if (loop !== undefined) variables.set(node.loop!, loop);
      this.#enter(frame, variables);
      ran = true;
      if (this.#statements(node.body, variables, output) === "break") break;
    }
    this.#leave(frame, variables);
    if (ran || node.otherwise.length === 0) return undefined;
    const otherwise = node.otherwiseFrame!;
    this.#enter(otherwise, variables);
    const leave = this.#statements(node.otherwise, variables, output);
    this.#leave(otherwise, variables);
    return leave;
  }

  /** The items that pass the loop's own `if`, looked at when the loop comes to them. */
  *#passing(node: For, items: Value, outer: Variables): Generator<Value> {
    const frame = node.testFrame!;
    const variables = new Variables(frame.level, outer);
    this.#enter(frame, variables);
    for (const item of iterate(items)) {
      this.runtime.budget.step();
      this.#assign(node.target, item, variables);
      if (truthy(this.#evaluate(node.test!, variables))) yield item;
    }
  }

  #macro(name: string, routine: Routine, outer: Variables): Macro {
    return new Macro(name, routine, (bound) =>
      this.runtime.budget.nested(() => {
        const frame = routine.frame!;
        const variables = new Variables(frame.level, outer);
        for (const [slot, value] of bound) variables.set(slot, value);
        this.#enter(frame, variables);
        const first = routine.parameters.length - routine.defaults.length;
        routine.parameters.forEach(({ name: parameter, slot }, i) => {
          if (variables.get(slot!) !== undefined) return;
          const fallback = routine.defaults[i - first];
          const missing = () => new Undefined(`parameter '${parameter}' was not provided`);
          variables.set(slot!, i < first ? missing() : this.#evaluate(fallback!, variables));
        });
        const output = new Output(this.runtime.budget, "allocate");
        this.#statements(routine.body, variables, output);
        return output.toString();
      }),
    );
  }

  #callBlock(node: CallBlock, variables: Variables): Value {
    return this.#call(node.call, variables, this.#macro("caller", node, variables));
  }

  #call(node: CallNode, variables: Variables, caller?: Macro): Value {
    const callee = this.#evaluate(node.callee, variables);
    const [args, keywords] = this.#arguments(node, variables);
    if (caller === undefined) return this.runtime.call(callee, args, keywords);
    return this.runtime.call(callee, args, new Map<string, Value>([...keywords, ["caller", caller]]));
  }

  #arguments(node: Arguments, variables: Variables): [args: Value[], keywords: Keywords] {
    const args = node.args.map((arg) => this.#evaluate(arg, variables));
    if (node.keywords.length === 0 && node.rest === undefined && node.keywordRest === undefined) {
      return [args, noKeywords];
    }
    const keywords = new Map<string, Value>();
    const give = (key: string, value: Value) => {
      if (keywords.has(key)) throw new TemplateRuntimeError(`got multiple values for the keyword argument '${key}'`);
      keywords.set(key, value);
    };
    for (const { key, value } of node.keywords) give(key, this.#evaluate(value, variables));
    if (node.rest !== undefined) {
      for (const item of iterate(this.#evaluate(node.rest, variables))) {
        this.runtime.budget.step();
        args.push(item);
      }
    }
    if (node.keywordRest !== undefined) {
      const rest = this.#evaluate(node.keywordRest, variables);
      if (!(rest instanceof Dict)) throw new TemplateRuntimeError(`** takes a dict, not '${typeName(rest)}'`);
      for (const [key, value] of rest.entries()) {
        const name = textOf(key);
        if (name === undefined) throw new TemplateRuntimeError("keywords must be strings");
        give(name, value);
      }
    }
    return [args, keywords];
  }

  /** @param block the text of the block around a filter that has no operand */
  #filter(node: FilterNode, variables: Variables, block?: string): Value {
    const { operand } = node;
    let value: Value;
    if (operand === undefined) value = block!;
    else
      value = operand.type === "Filter" ? this.#filter(operand, variables, block) : this.#evaluate(operand, variables);
    const [args, keywords] = this.#arguments(node, variables);
    return this.runtime.filter(node.name, value, args, keywords);
  }

  #evaluate(node: Expression, variables: Variables): Value {
    this.runtime.budget.step();
    switch (node.type) {
      case "Constant":
        return node.value;
      case "Name":
        return this.#variable(node.slot!, variables);
      case "Attribute":
        return this.runtime.getAttribute(this.#evaluate(node.object, variables), node.name);
      case "Item": {
        const object = this.#evaluate(node.object, variables);
        const { key } = node;
        if (key.type !== "Slice") return this.runtime.getItem(object, this.#evaluate(key, variables));
        const at = (part: Expression | undefined) => (part === undefined ? null : this.#evaluate(part, variables));
        return slice(object, at(key.start), at(key.stop), at(key.step), this.runtime.budget);
      }
      case "Call":
        return this.#call(node, variables);
      case "Filter":
        return this.#filter(node, variables);
      case "Test": {
        const value = this.#evaluate(node.operand, variables);
        const [args, keywords] = this.#arguments(node, variables);
        return this.runtime.test(node.name, value, args, keywords);
      }
      case "Conditional":
        if (truthy(this.#evaluate(node.test, variables))) return this.#evaluate(node.then, variables);
        if (node.otherwise !== undefined) return this.#evaluate(node.otherwise, variables);
        return new Undefined("an inline if-expression evaluated to false and no else section was defined");
      case "Binary": {
        const left = this.#evaluate(node.left, variables);
        return binary(node.operator, left, this.#evaluate(node.right, variables), this.runtime.budget);
      }
      case "Unary":
        return unary(node.operator, this.#evaluate(node.operand, variables));
      case "Logical": {
        const left = this.#evaluate(node.left, variables);
        return truthy(left) === (node.operator === "and") ? this.#evaluate(node.right, variables) : left;
      }
      case "Not":
        return !truthy(this.#evaluate(node.operand, variables));
      case "Compare":
        return this.#compare(node, variables);
      case "Concat":
        return joinTexts(
          node.items.map((item) => this.#evaluate(item, variables)),
          this.runtime.budget,
        );
      case "List":
        return node.items.map((item) => this.#evaluate(item, variables));
      case "Tuple":
        return new Tuple(node.items.map((item) => this.#evaluate(item, variables)));
      case "Dict":
        return Dict.from(
          node.pairs.map(([key, value]) => [this.#evaluate(key, variables), this.#evaluate(value, variables)] as const),
        );
      case "Slice":
        throw new UnsupportedError("several slices at once are not supported");
      case "NamespaceAttribute":
        throw new TemplateRuntimeError("an attribute to be set is no value");
    }
  }

  #variable(slot: Slot, variables: Variables): Value {
    const value = variables.get(slot);
    return value === undefined ? new Undefined(`'${slot.name}' is undefined`) : value;
  }

  #compare(node: Extract<Expression, { type: "Compare" }>, variables: Variables): boolean {
    let left = this.#evaluate(node.first, variables);
    for (const { operator, operand } of node.rest) {
      const right = this.#evaluate(operand, variables);
      if (!compares(operator, left, right, this.runtime.budget)) return false;
      left = right;
    }
    return true;
  }
}

/** What a block with a filter or a call writes has to be a text. */
function written(value: Value): string {
  const text = textOf(value);
  if (text === undefined)
    throw new TemplateRuntimeError(`a block writes a text, not a value of the type '${typeName(value)}'`);
  return text;
}

function compares(operator: Comparison, left: Value, right: Value, budget: Budget): boolean {
  switch (operator) {
    case "==":
      return equals(left, right, budget);
    case "!=":
      return !equals(left, right, budget);
    case "<":
      return lessThan(left, right, budget);
    case ">":
      return lessThan(right, left, budget);
    case "<=":
      return lessOrEqual(left, right, budget);
    case ">=":
      return lessOrEqual(right, left, budget);
    case "in":
      return contains(right, left, budget);
    case "not in":
      return !contains(right, left, budget);
  }
}
