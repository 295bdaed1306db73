/** Which variables a Jinja template reads: one that is given and not read would be lost without a word. */
import type { Arguments, Expression, Program, Statement, Target } from "./jinja/nodes.js";

type Names = ReadonlySet<string>;

/** The names of variables that a parsed template reads before it gave them a value itself. */
export function variablesOf(program: Program): Names {
  const reader = new Reader();
  reader.block(program.body, new Set());
  return reader.read;
}

/** Collects the names that are read from outside. */
class Reader {
  readonly read = new Set<string>();

  /** Statements one after the other: what one of them sets, the later ones do not read from outside. */
  block(statements: readonly Statement[], known: Names): void {
    const here = new Set(known);
    for (const statement of statements) {
      this.#statement(statement, here);
      for (const name of setBy(statement)) here.add(name);
    }
  }

  #statement(statement: Statement, known: Names): void {
    switch (statement.type) {
      case "Output":
        for (const part of statement.parts) if (typeof part !== "string") this.#expression(part, known);
        break;
      case "Set":
        this.#target(statement.target, known);
        this.#expression(statement.value, known);
        break;
      case "SetBlock":
        this.#target(statement.target, known);
        this.#expression(statement.filter, known);
        this.block(statement.body, known);
        break;
      case "If":
        for (const { test, body } of statement.branches) {
          this.#expression(test, known);
          this.block(body, known);
        }
        this.block(statement.otherwise, known);
        break;
      case "For": {
        const inside = add(new Set(known).add("loop"), statement.target);
        this.#expression(statement.iterable, known);
        this.#expression(statement.test, inside);
        this.block(statement.body, inside);
        this.block(statement.otherwise, known);
        break;
      }
      case "CallBlock":
      case "Macro": {
        if (statement.type === "CallBlock") this.#expression(statement.call, known);
        for (const value of statement.defaults) this.#expression(value, known);
        const inside = new Set([...known, "caller", "kwargs", "varargs"]);
        for (const parameter of statement.parameters) inside.add(parameter.name);
        this.block(statement.body, inside);
        break;
      }
      case "With": {
        for (const value of statement.values) this.#expression(value, known);
        const inside = new Set(known);
        for (const target of statement.targets) add(inside, target);
        this.block(statement.body, inside);
        break;
      }
      case "FilterBlock":
        this.#expression(statement.filter, known);
        this.block(statement.body, known);
        break;
      case "Scope":
      case "Block":
        this.block(statement.body, known);
        break;
      case "Break":
      case "Continue":
      case "Unsupported":
        break;
    }
  }

  /** A namespace whose attribute is set is read. */
  #target(target: Target, known: Names): void {
    if (target.type === "Tuple") for (const item of target.items) this.#target(item as Target, known);
    else if (target.type === "NamespaceAttribute") this.#name(target.name, known);
  }

  #name(name: string, known: Names): void {
    if (!known.has(name)) this.read.add(name);
  }

  #expressions(nodes: readonly (Expression | undefined)[], known: Names): void {
    for (const node of nodes) this.#expression(node, known);
  }

  #arguments({ args, keywords, rest, keywordRest }: Arguments, known: Names): void {
    this.#expressions([...args, ...keywords.map(({ value }) => value), rest, keywordRest], known);
  }

  #expression(node: Expression | undefined, known: Names): void {
    if (node === undefined) return;
    switch (node.type) {
      case "Name":
        this.#name(node.name, known);
        break;
      case "Constant":
      case "NamespaceAttribute":
        break;
      case "Tuple":
      case "List":
      case "Concat":
        this.#expressions(node.items, known);
        break;
      case "Dict":
        this.#expressions(node.pairs.flat(), known);
        break;
      case "Attribute":
        this.#expression(node.object, known);
        break;
      case "Item":
        this.#expressions([node.object, node.key], known);
        break;
      case "Slice":
        this.#expressions([node.start, node.stop, node.step], known);
        break;
      case "Call":
        // A name that is called is a function, not a variable.
        if (node.callee.type !== "Name") this.#expression(node.callee, known);
        this.#arguments(node, known);
        break;
      case "Filter":
      case "Test":
        this.#expression(node.operand, known);
        this.#arguments(node, known);
        break;
      case "Conditional":
        this.#expressions([node.test, node.then, node.otherwise], known);
        break;
      case "Binary":
      case "Logical":
        this.#expressions([node.left, node.right], known);
        break;
      case "Unary":
      case "Not":
        this.#expression(node.operand, known);
        break;
      case "Compare":
        this.#expressions([node.first, ...node.rest.map(({ operand }) => operand)], known);
        break;
    }
  }
}

/** The names to which a statement gives a value whatever happens. */
function setBy(statement: Statement): Set<string> {
  if (statement.type === "Set" || statement.type === "SetBlock") return add(new Set(), statement.target);
  if (statement.type === "Macro") return new Set([statement.name.name]);
  if (statement.type !== "If") return new Set();
  const setIn = (body: readonly Statement[]) => new Set(body.flatMap((each) => [...setBy(each)]));
  const [first, ...others] = [...statement.branches.map(({ body }) => body), statement.otherwise].map(setIn);
  return new Set([...first!].filter((name) => others.every((other) => other.has(name))));
}

/** Adds the names that a loop, a macro or a `set` gives values to. */
function add(names: Set<string>, target: Target): Set<string> {
  if (target.type === "Name") names.add(target.name);
  else if (target.type === "Tuple") for (const item of target.items) add(names, item as Target);
  return names;
}
