/**
 * Finds out where each name's value is kept, as Jinja does when it compiles a template: a `set` in a loop or a macro makes
 * a name of its own there, one inside of an `if` does not, and a macro sees the names around it as they are when it is
 * called.
 */
import { TemplateSyntaxError } from "./errors.js";
import { filters } from "./filters/all.js";
import type { Arguments, Expression, Frame, Load, Name, Program, Routine, Slot, Statement, Target } from "./nodes.js";
import { tests } from "./tests.js";

/** Gives every name of a template its slot. @throws TemplateSyntaxError for what Python finds when it compiles */
export function resolveNames(program: Program): void {
  const root = new Scope(undefined);
  root.visitAll(program.body);
  program.frame = root.frame();
  new Resolver().statements(program.body, { scope: root, exported: true, soft: false, loop: false });
  for (const block of program.blocks.values()) {
    const scope = new Scope(undefined);
    scope.visitAll(block.body);
    block.frame = scope.frame();
    new Resolver().statements(block.body, { scope, exported: false, soft: false, loop: false });
  }
}

/** The names of one frame, and how each comes by its first value. */
class Scope {
  readonly level: number;
  #slots = new Map<string, Slot>();
  #loads = new Map<string, Load["from"]>();
  #stores = new Set<string>();

  constructor(readonly parent: Scope | undefined) {
    this.level = parent === undefined ? 0 : parent.level + 1;
  }

  /** The slot of a name here or further out. */
  find(name: string): Slot | undefined {
    return this.#slots.get(name) ?? this.parent?.find(name);
  }

  frame(): Frame {
    const loads = [...this.#loads].map(([name, from]) => ({ slot: this.#slots.get(name)!, from }));
    return { level: this.level, loads };
  }

  #define(name: string, from: Load["from"]): Slot {
    const slot = { level: this.level, name };
    this.#slots.set(name, slot);
    this.#loads.set(name, from);
    return slot;
  }

  parameter(name: string): Slot {
    this.#stores.add(name);
    return this.#define(name, "parameter");
  }

  #load(name: string): void {
    if (this.find(name) === undefined) this.#define(name, "resolve");
  }

  #store(name: string): void {
    this.#stores.add(name);
    if (!this.#slots.has(name)) this.#define(name, this.parent?.find(name) ?? "missing");
  }

  target(target: Target): void {
    if (target.type === "Tuple") for (const item of target.items) this.target(item as Target);
    else if (target.type === "Name") this.#store(target.name);
    else this.#load(target.name);
  }

  parameters(target: Target): void {
    if (target.type === "Tuple") for (const item of target.items) this.parameters(item as Target);
    else this.parameter(target.name);
  }

  visitAll(statements: readonly Statement[]): void {
    for (const statement of statements) this.#visit(statement);
  }

  /** What a statement does to the frame that it stands in; what it does in frames of its own is found there. */
  #visit(statement: Statement): void {
    switch (statement.type) {
      case "Output":
        for (const part of statement.parts) if (typeof part !== "string") this.expression(part);
        break;
      case "Set":
        this.expression(statement.value);
        this.target(statement.target);
        break;
      case "SetBlock":
        this.target(statement.target);
        break;
      case "If":
        this.#branches(statement.branches, statement.otherwise);
        break;
      case "For":
        this.expression(statement.iterable);
        break;
      case "Macro":
        this.#store(statement.name.name);
        break;
      case "CallBlock":
        this.expression(statement.call);
        break;
      case "FilterBlock":
        this.expression(statement.filter);
        break;
      case "With":
        for (const value of statement.values) this.expression(value);
        break;
      case "Scope":
      case "Block":
      case "Break":
      case "Continue":
      case "Unsupported":
        break;
    }
  }

  /** An elif stands inside of the else of what comes before it, but all of them see the same names. */
  #branches(
    branches: readonly { test: Expression; body: readonly Statement[] }[],
    otherwise: readonly Statement[],
  ): void {
    const [first, ...elifs] = branches;
    this.expression(first!.test);
    const copies = [first!.body, undefined, otherwise].map((body) => {
      const copy = this.#copy();
      if (body !== undefined) copy.visitAll(body);
      else {
        for (const elif of elifs) {
          copy.expression(elif.test);
          copy.#inBranch(elif.body);
        }
      }
      return copy;
    });
    this.#merge(copies);
  }

  #inBranch(body: readonly Statement[]): void {
    const copy = this.#copy();
    copy.visitAll(body);
    this.#merge([copy]);
  }

  #copy(): Scope {
    const copy = new Scope(this.parent);
    copy.#slots = new Map(this.#slots);
    copy.#loads = new Map(this.#loads);
    copy.#stores = new Set(this.#stores);
    return copy;
  }

  #merge(branches: readonly Scope[]): void {
    const stores = new Set<string>();
    for (const branch of branches) for (const name of branch.#stores) if (!this.#stores.has(name)) stores.add(name);
    for (const branch of branches) {
      for (const [name, slot] of branch.#slots) this.#slots.set(name, slot);
      for (const [name, from] of branch.#loads) this.#loads.set(name, from);
      for (const name of branch.#stores) this.#stores.add(name);
    }
    // Whether the branch is taken is not known: the name may keep what it has further out.
    for (const name of stores) this.#loads.set(name, this.parent?.find(name) ?? "resolve");
  }

  expression(node: Expression): void {
    visitNames(node, (name) => this.#load(name.name));
  }
}

/** Where a statement stands. */
interface Place {
  scope: Scope;
  /** Whether what is set here is seen by blocks. */
  exported: boolean;
  /** Whether an unknown filter fails only when it is used. */
  soft: boolean;
  /** Whether a loop can be left from here. */
  loop: boolean;
}

/** Writes slots into the names of a frame, and makes the frames inside of it. */
class Resolver {
  statements(statements: readonly Statement[], place: Place): void {
    for (const statement of statements) this.#statement(statement, place);
  }

  #inner(place: Place, loop: boolean): Place {
    return { scope: new Scope(place.scope), exported: false, soft: false, loop };
  }

  #statement(statement: Statement, place: Place): void {
    switch (statement.type) {
      case "Output":
        for (const part of statement.parts) if (typeof part !== "string") this.#expression(part, place);
        break;
      case "Set":
        this.#expression(statement.value, place);
        this.#target(statement.target, place);
        break;
      case "SetBlock": {
        const inner = this.#inner(place, place.loop);
        inner.scope.visitAll(statement.body);
        if (statement.filter !== undefined) inner.scope.expression(statement.filter);
        statement.frame = inner.scope.frame();
        this.statements(statement.body, inner);
        if (statement.filter !== undefined) this.#expression(statement.filter, inner);
        this.#target(statement.target, place);
        break;
      }
      case "If":
        this.#if(statement, { ...place, soft: true });
        break;
      case "For":
        this.#for(statement, place);
        break;
      case "Macro":
        this.#routine(statement, place);
        this.#target(statement.name, place);
        break;
      case "CallBlock":
        this.#routine(statement, place);
        this.#expression(statement.call, place);
        break;
      case "FilterBlock": {
        const inner = this.#inner(place, place.loop);
        inner.scope.visitAll(statement.body);
        inner.scope.expression(statement.filter);
        statement.frame = inner.scope.frame();
        this.statements(statement.body, inner);
        this.#expression(statement.filter, inner);
        break;
      }
      case "With": {
        const inner = this.#inner(place, place.loop);
        for (const target of statement.targets) inner.scope.parameters(target);
        inner.scope.visitAll(statement.body);
        statement.frame = inner.scope.frame();
        for (const value of statement.values) this.#expression(value, place);
        for (const target of statement.targets) this.#target(target, inner);
        this.statements(statement.body, inner);
        break;
      }
      case "Scope": {
        const inner = this.#inner(place, place.loop && !statement.isRoutine);
        inner.scope.visitAll(statement.body);
        statement.frame = inner.scope.frame();
        this.statements(statement.body, inner);
        break;
      }
      case "Break":
      case "Continue":
        if (!place.loop)
          throw new TemplateSyntaxError(`'${statement.type.toLowerCase()}' outside loop`, statement.line);
        break;
      case "Block":
      case "Unsupported":
        break;
    }
  }

  #if(statement: Extract<Statement, { type: "If" }>, place: Place): void {
    for (const { test, body } of statement.branches) {
      this.#expression(test, place);
      this.statements(body, place);
    }
    this.statements(statement.otherwise, place);
  }

  #for(statement: Extract<Statement, { type: "For" }>, place: Place): void {
    const body = this.#inner(place, true);
    const otherwise = this.#inner(place, place.loop && !statement.recursive);
    if (mentions(statement.body, "loop") || statement.recursive) statement.loop = body.scope.parameter("loop");
    body.scope.parameters(statement.target);
    body.scope.visitAll(statement.body);
    statement.bodyFrame = body.scope.frame();
    otherwise.scope.visitAll(statement.otherwise);
    statement.otherwiseFrame = otherwise.scope.frame();
    this.#expression(statement.iterable, place);
    this.#target(statement.target, body);
    if (statement.test !== undefined) {
      const test = this.#inner(place, false);
      test.scope.parameters(statement.target);
      test.scope.expression(statement.test);
      statement.testFrame = test.scope.frame();
      this.#expression(statement.test, test);
    }
    forbidLoop(statement.target);
    this.statements(statement.body, body);
    this.statements(statement.otherwise, otherwise);
  }

  #routine(routine: Routine, place: Place): void {
    const inner = this.#inner(place, false);
    const { scope } = inner;
    for (const parameter of routine.parameters) scope.parameter(parameter.name);
    const own = (name: "caller" | "kwargs" | "varargs") => {
      const given = routine.parameters.some((parameter) => parameter.name === name);
      if (!given && mentions(routine.body, name)) routine[name] = scope.parameter(name);
    };
    own("caller");
    own("kwargs");
    own("varargs");
    for (const value of routine.defaults) scope.expression(value);
    scope.visitAll(routine.body);
    routine.frame = scope.frame();
    for (const parameter of routine.parameters) this.#target(parameter, inner);
    for (const value of routine.defaults) this.#expression(value, inner);
    this.statements(routine.body, inner);
  }

  #target(target: Target, place: Place): void {
    if (target.type === "Tuple") {
      for (const item of target.items) this.#target(item as Target, place);
      return;
    }
    target.slot = place.scope.find(target.name)!;
    if (target.type === "Name") target.exported = place.exported;
  }

  #expression(node: Expression, place: Place): void {
    visitNames(
      node,
      (name) => void (name.slot = place.scope.find(name.name)!),
      (kind, name, line, soft) => {
        const known = kind === "filter" ? filters.has(name) : tests.has(name);
        if (!known && !soft) throw new TemplateSyntaxError(`No ${kind} named '${name}'`, line);
      },
      place.soft,
    );
  }
}

function forbidLoop(target: Target): void {
  if (target.type === "Tuple") for (const item of target.items) forbidLoop(item as Target);
  else if (target.name === "loop") {
    throw new TemplateSyntaxError("Can't assign to special loop variable in for-loop target", target.line);
  }
}

type OnCall = (kind: "filter" | "test", name: string, line: number, soft: boolean) => void;

/** Calls back for every name that an expression reads, in the order in which Jinja looks at them. */
export function visitNames(node: Expression, onName: (name: Name) => void, onCall?: OnCall, soft = false): void {
  const visit = (child: Expression | undefined, isSoft = soft): void => {
    if (child !== undefined) visitNames(child, onName, onCall, isSoft);
  };
  const visitArguments = ({ args, keywords, rest, keywordRest }: Arguments) => {
    args.forEach((arg) => visit(arg));
    keywords.forEach(({ value }) => visit(value));
    visit(rest);
    visit(keywordRest);
  };
  switch (node.type) {
    case "Name":
      onName(node);
      break;
    case "Constant":
    case "NamespaceAttribute":
      break;
    case "Tuple":
    case "List":
    case "Concat":
      node.items.forEach((item) => visit(item));
      break;
    case "Dict":
      node.pairs.flat().forEach((item) => visit(item));
      break;
    case "Attribute":
      visit(node.object);
      break;
    case "Item":
      visit(node.object);
      visit(node.key);
      break;
    case "Slice":
      visit(node.start);
      visit(node.stop);
      visit(node.step);
      break;
    case "Call":
      visit(node.callee);
      visitArguments(node);
      break;
    case "Filter":
    case "Test":
      visit(node.operand);
      visitArguments(node);
      onCall?.(node.type === "Filter" ? "filter" : "test", node.name, node.line, soft);
      break;
    case "Conditional":
      visit(node.test, true);
      visit(node.then, true);
      visit(node.otherwise, true);
      break;
    case "Binary":
    case "Logical":
      visit(node.left);
      visit(node.right);
      break;
    case "Unary":
    case "Not":
      visit(node.operand);
      break;
    case "Compare":
      visit(node.first);
      node.rest.forEach(({ operand }) => visit(operand));
      break;
  }
}

/** Whether statements use a name that they do not give a value to before. Blocks are not looked into. */
function mentions(statements: readonly Statement[], name: string): boolean {
  const seen = new Mentions(name);
  seen.statements(statements);
  return seen.found;
}

/** Goes through all that is below some statements, in order, until the name is read or set. */
class Mentions {
  found = false;
  #set = false;

  constructor(readonly name: string) {}

  get #done(): boolean {
    return this.found || this.#set;
  }

  statements(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (this.#done) return;
      this.#statement(statement);
    }
  }

  #expressions(...nodes: (Expression | undefined)[]): void {
    for (const node of nodes) {
      if (node !== undefined && !this.#done) visitNames(node, (name) => void (this.found ||= name.name === this.name));
    }
  }

  #target(target: Target): void {
    if (this.#done) return;
    if (target.type === "Tuple") for (const item of target.items) this.#target(item as Target);
    else if (target.type === "Name" && target.name === this.name) this.#set = true;
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case "Output":
        this.#expressions(...statement.parts.filter((part) => typeof part !== "string"));
        break;
      case "Set":
        // Jinja looks at the name that is set first.
        this.#target(statement.target);
        this.#expressions(statement.value);
        break;
      case "SetBlock":
        this.#target(statement.target);
        this.#expressions(statement.filter);
        this.statements(statement.body);
        break;
      case "If":
        for (const { test, body } of statement.branches) {
          this.#expressions(test);
          this.statements(body);
        }
        this.statements(statement.otherwise);
        break;
      case "For":
        this.#target(statement.target);
        this.#expressions(statement.iterable);
        this.statements(statement.body);
        this.statements(statement.otherwise);
        this.#expressions(statement.test);
        break;
      case "Macro":
      case "CallBlock":
        if (statement.type === "CallBlock") this.#expressions(statement.call);
        for (const parameter of statement.parameters) this.#target(parameter);
        this.#expressions(...statement.defaults);
        this.statements(statement.body);
        break;
      case "With":
        for (const target of statement.targets) this.#target(target);
        this.#expressions(...statement.values);
        this.statements(statement.body);
        break;
      case "FilterBlock":
        this.statements(statement.body);
        this.#expressions(statement.filter);
        break;
      case "Scope":
        this.statements(statement.body);
        break;
      case "Block":
      case "Break":
      case "Continue":
      case "Unsupported":
        break;
    }
  }
}
