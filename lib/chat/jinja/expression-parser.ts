/** Parses the expressions of templates. */
import { TemplateSyntaxError } from "./errors.js";
import type { Token } from "./lexer.js";
import type { Arguments, CallNode, Comparison, Expression, FilterNode, Name, Target, TestNode } from "./nodes.js";
import type { BinaryOperator } from "./operators.js";
import { describe, matches, TokenStream } from "./token-stream.js";
import type { Value } from "./values.js";

/** How deep expressions and statements may be nested: Python gives up near 70 brackets. */
const MAX_DEPTH = 250;

const constants: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** What ends a list of expressions without brackets. */
type End = (token: Token) => boolean;

const never: End = () => false;

/** A node without the depth that {@link ExpressionParser.node} works out. */
type Shallow<T> = T extends unknown ? Omit<T, "depth"> : never;

export class ExpressionParser {
  protected readonly stream: TokenStream;
  #nesting = 0;

  constructor(tokens: readonly Token[]) {
    this.stream = new TokenStream(tokens);
  }

  /** Runs a part of the parser one level deeper. */
  protected nested<T>(parse: () => T): T {
    if (++this.#nesting > MAX_DEPTH) this.stream.fail("the template is nested too deep");
    const result = parse();
    this.#nesting--;
    return result;
  }

  /** Completes a node. */
  protected node<T extends Expression>(shallow: Shallow<T>, ...children: (Expression | undefined)[]): T {
    const depth = 1 + Math.max(0, ...children.map((child) => child?.depth ?? 0));
    if (depth > 2 * MAX_DEPTH) throw new TemplateSyntaxError("an expression is too long", shallow.line);
    return { ...shallow, depth } as unknown as T;
  }

  /** @param conditional whether `a if b else c` may stand here without brackets */
  protected expression(conditional = true): Expression {
    return this.nested(() => (conditional ? this.#conditional() : this.#or()));
  }

  #conditional(): Expression {
    let then = this.#or();
    while (this.stream.is("name", "if")) {
      const { line } = this.stream.next();
      const test = this.#or();
      const otherwise = this.stream.skipIf("name", "else") ? this.nested(() => this.#conditional()) : undefined;
      then = this.node({ type: "Conditional", test, then, otherwise, line }, test, then, otherwise);
    }
    return then;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.stream.is("name", "or")) {
      const { line } = this.stream.next();
      const right = this.#and();
      left = this.node({ type: "Logical", operator: "or", left, right, line }, left, right);
    }
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.stream.is("name", "and")) {
      const { line } = this.stream.next();
      const right = this.#not();
      left = this.node({ type: "Logical", operator: "and", left, right, line }, left, right);
    }
    return left;
  }

  #not(): Expression {
    if (!this.stream.is("name", "not")) return this.#compare();
    const { line } = this.stream.next();
    const operand = this.nested(() => this.#not());
    return this.node({ type: "Not", operand, line }, operand);
  }

  #compare(): Expression {
    const { line } = this.stream.current;
    const first = this.#sum();
    const rest: { operator: Comparison; operand: Expression }[] = [];
    for (let operator = this.#comparison(); operator !== undefined; operator = this.#comparison()) {
      rest.push({ operator, operand: this.#sum() });
    }
    if (rest.length === 0) return first;
    return this.node({ type: "Compare", first, rest, line }, first, ...rest.map(({ operand }) => operand));
  }

  #comparison(): Comparison | undefined {
    if (this.stream.isOperator("==", "!=", "<", "<=", ">", ">=")) return this.stream.next().text as Comparison;
    if (this.stream.skipIf("name", "in")) return "in";
    if (!this.stream.is("name", "not") || !matches(this.stream.ahead, "name", "in")) return undefined;
    this.stream.next();
    this.stream.next();
    return "not in";
  }

  #sum(): Expression {
    return this.#leftToRight(["+", "-"], () => this.#concat());
  }

  #concat(): Expression {
    const { line } = this.stream.current;
    const items = [this.#product()];
    while (this.stream.isOperator("~")) {
      this.stream.next();
      items.push(this.#product());
    }
    return items.length === 1 ? items[0]! : this.node({ type: "Concat", items, line }, ...items);
  }

  #product(): Expression {
    return this.#leftToRight(["*", "/", "//", "%"], () => this.#power());
  }

  // Jinja's ** is read from the left, too.
  #power(): Expression {
    return this.#leftToRight(["**"], () => this.#unary());
  }

  #leftToRight(operators: BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    while (this.stream.isOperator(...operators)) {
      const { text, line } = this.stream.next();
      const right = operand();
      left = this.node({ type: "Binary", operator: text as BinaryOperator, left, right, line }, left, right);
    }
    return left;
  }

  #unary(withFilter = true): Expression {
    const { line } = this.stream.current;
    let node: Expression;
    if (this.stream.isOperator("-", "+")) {
      const operator = this.stream.next().text as "-" | "+";
      const operand = this.nested(() => this.#unary(false));
      node = this.node({ type: "Unary", operator, operand, line }, operand);
    } else node = this.primary();
    node = this.#postfix(node);
    return withFilter ? this.#filters(node) : node;
  }

  /** @param asTarget whether `name.attribute` is something to be set */
  protected primary(asTarget = false): Expression {
    const token = this.stream.current;
    const { line } = token;
    if (token.type === "name") return this.#name(asTarget);
    if (token.type === "integer" || token.type === "float") {
      this.stream.next();
      return this.node({ type: "Constant", value: token.number!, line });
    }
    if (token.type === "string") {
      let text = this.stream.next().text;
      while (this.stream.is("string")) text += this.stream.next().text;
      return this.node({ type: "Constant", value: text, line });
    }
    if (this.stream.isOperator("(")) {
      this.stream.next();
      const inner = this.tuple({ inBrackets: true });
      this.stream.expect("operator", ")");
      return inner;
    }
    if (this.stream.isOperator("[")) {
      this.stream.next();
      const items = this.#until("]", () => this.expression());
      return this.node({ type: "List", items, line }, ...items);
    }
    if (this.stream.isOperator("{")) {
      this.stream.next();
      const pairs = this.#until("}", (): [Expression, Expression] => {
        const key = this.expression();
        this.stream.expect("operator", ":");
        return [key, this.expression()];
      });
      return this.node({ type: "Dict", pairs, line }, ...pairs.flat());
    }
    return this.stream.fail(`unexpected ${describe(token)}`);
  }

  #name(asTarget: boolean): Expression {
    const { text, line } = this.stream.next();
    if (Object.hasOwn(constants, text)) return this.node({ type: "Constant", value: constants[text]!, line });
    if (!asTarget || !this.stream.isOperator(".")) return this.node({ type: "Name", name: text, line });
    this.stream.next();
    const attribute = this.stream.expect("name").text;
    return this.node({ type: "NamespaceAttribute", name: text, attribute, line });
  }

  /** Elements between commas up to a bracket. */
  #until<T>(close: string, element: () => T): T[] {
    const items: T[] = [];
    while (!this.stream.isOperator(close)) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.isOperator(close)) break;
      items.push(element());
    }
    this.stream.expect("operator", close);
    return items;
  }

  /** An expression, or several with commas between them. */
  protected tuple({ inBrackets = false, conditional = true, end = never, targets = false } = {}): Expression {
    const { line } = this.stream.current;
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.#endsTuple(end)) break;
      items.push(targets ? this.nested(() => this.primary(true)) : this.expression(conditional));
      if (!this.stream.isOperator(",")) break;
      isTuple = true;
    }
    if (!isTuple) {
      if (items.length > 0) return items[0]!;
      if (!inBrackets) this.stream.fail(`expected an expression, got ${describe(this.stream.current)}`);
    }
    return this.node({ type: "Tuple", items, line }, ...items);
  }

  #endsTuple(end: End): boolean {
    const token = this.stream.current;
    return token.type === "variable_end" || token.type === "block_end" || this.stream.isOperator(")") || end(token);
  }

  /** What a `set`, `for` or `with` gives a value to. */
  protected target({ end = never, withAttributes = false } = {}): Target {
    const { line } = this.stream.current;
    const target = this.tuple({ targets: true, end });
    return this.#checkTarget(target, withAttributes, line);
  }

  #checkTarget(node: Expression, withAttributes: boolean, line: number): Target {
    if (node.type === "Tuple") for (const item of node.items) this.#checkTarget(item, withAttributes, line);
    else if (node.type !== "Name" && !(withAttributes && node.type === "NamespaceAttribute")) {
      this.stream.fail("can't assign to this", line);
    }
    return node;
  }

  /** A name that is given a value. */
  protected name(): Name {
    const { text, line } = this.stream.expect("name");
    if (Object.hasOwn(constants, text)) this.stream.fail("can't assign to a constant", line);
    return this.node<Name>({ type: "Name", name: text, line });
  }

  #postfix(node: Expression): Expression {
    for (;;) {
      if (this.stream.isOperator(".", "[")) node = this.#subscript(node);
      else if (this.stream.isOperator("(")) node = this.#call(node);
      else return node;
    }
  }

  #filters(node: Expression): Expression {
    for (;;) {
      if (this.stream.isOperator("|")) node = this.filter(node)!;
      else if (this.stream.is("name", "is")) node = this.#test(node);
      else if (this.stream.isOperator("(")) node = this.#call(node);
      else return node;
    }
  }

  #subscript(object: Expression): Expression {
    const { text, line } = this.stream.next();
    if (text === ".") {
      const token = this.stream.next();
      if (token.type === "name") return this.node({ type: "Attribute", object, name: token.text, line }, object);
      if (token.type !== "integer") this.stream.fail("expected name or number", token.line);
      const key = this.node<Expression>({ type: "Constant", value: token.number!, line });
      return this.node({ type: "Item", object, key, line }, object);
    }
    const keys: Expression[] = [];
    while (!this.stream.isOperator("]")) {
      if (keys.length > 0) this.stream.expect("operator", ",");
      keys.push(this.#key());
    }
    this.stream.expect("operator", "]");
    const key = keys.length === 1 ? keys[0]! : this.node<Expression>({ type: "Tuple", items: keys, line }, ...keys);
    return this.node({ type: "Item", object, key, line }, object, key);
  }

  #key(): Expression {
    const { line } = this.stream.current;
    const start = this.stream.isOperator(":") ? undefined : this.expression();
    if (!this.stream.isOperator(":")) return start!;
    this.stream.next();
    const part = () => (this.stream.isOperator(":", "]", ",") ? undefined : this.expression());
    const stop = part();
    let step: Expression | undefined;
    if (this.stream.isOperator(":")) {
      this.stream.next();
      step = part();
    }
    return this.node({ type: "Slice", start, stop, step, line }, start, stop, step);
  }

  #call(callee: Expression): CallNode {
    const { line } = this.stream.current;
    const given = this.#arguments();
    return this.node<CallNode>({ type: "Call", callee, ...given, line }, callee, ...children(given));
  }

  #arguments(): Arguments {
    const { line } = this.stream.expect("operator", "(");
    const given: Arguments = { args: [], keywords: [], rest: undefined, keywordRest: undefined };
    const ensure = (allowed: boolean) => {
      if (!allowed) this.stream.fail("invalid syntax for function call expression", line);
    };
    let first = true;
    while (!this.stream.isOperator(")")) {
      if (!first) this.stream.expect("operator", ",");
      if (!first && this.stream.isOperator(")")) break;
      first = false;
      if (this.stream.isOperator("*")) {
        ensure(given.rest === undefined && given.keywordRest === undefined);
        this.stream.next();
        given.rest = this.expression();
      } else if (this.stream.isOperator("**")) {
        ensure(given.keywordRest === undefined);
        this.stream.next();
        given.keywordRest = this.expression();
      } else if (this.stream.is("name") && matches(this.stream.ahead, "operator", "=")) {
        ensure(given.keywordRest === undefined);
        const key = this.stream.next().text;
        this.stream.next();
        given.keywords.push({ key, value: this.expression() });
      } else {
        ensure(given.rest === undefined && given.keywordRest === undefined && given.keywords.length === 0);
        given.args.push(this.expression());
      }
    }
    this.stream.expect("operator", ")");
    return given;
  }

  /**
   * `| name | name(…)`, as many as there are.
   *
   * @param inline whether the first one stands without its bar
   */
  protected filter(operand: Expression | undefined, inline = false): FilterNode | undefined {
    let node = operand as FilterNode | undefined;
    while (inline || this.stream.isOperator("|")) {
      if (!inline) this.stream.next();
      inline = false;
      const { line } = this.stream.current;
      const name = this.#dotted();
      const given = this.stream.isOperator("(") ? this.#arguments() : noArguments();
      const inner: Expression | undefined = node;
      node = this.node<FilterNode>({ type: "Filter", operand: inner, name, ...given, line }, inner, ...children(given));
    }
    return node;
  }

  #dotted(): string {
    let name = this.stream.expect("name").text;
    while (this.stream.isOperator(".")) {
      this.stream.next();
      name += `.${this.stream.expect("name").text}`;
    }
    return name;
  }

  #test(operand: Expression): Expression {
    const { line } = this.stream.next();
    const negated = this.stream.skipIf("name", "not");
    const name = this.#dotted();
    let given = noArguments();
    if (this.stream.isOperator("(")) given = this.#arguments();
    else if (this.#beginsArgument()) {
      if (this.stream.is("name", "is")) this.stream.fail("You cannot chain multiple tests with is");
      given.args.push(this.nested(() => this.#postfix(this.primary())));
    }
    const node = this.node<TestNode>({ type: "Test", operand, name, ...given, line }, operand, ...children(given));
    return negated ? this.node({ type: "Not", operand: node, line }, node) : node;
  }

  #beginsArgument(): boolean {
    const { type, text } = this.stream.current;
    if (type === "name") return text !== "else" && text !== "or" && text !== "and";
    return type === "string" || type === "integer" || type === "float" || this.stream.isOperator("[", "{");
  }
}

const noArguments = (): Arguments => ({ args: [], keywords: [], rest: undefined, keywordRest: undefined });

function children({ args, keywords, rest, keywordRest }: Arguments): (Expression | undefined)[] {
  return [...args, ...keywords.map(({ value }) => value), rest, keywordRest];
}
