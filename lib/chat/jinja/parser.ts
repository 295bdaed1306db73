/** Parses templates: statements and the text between them. */
import { ExpressionParser } from "./expression-parser.js";
import { tokenize } from "./lexer.js";
import type { Block, Expression, Name, Program, Statement, Target } from "./nodes.js";
import { resolveNames } from "./symbols.js";

/** Characters of a template. The longest in use have some 20,000. */
const MAX_SOURCE = 1024 * 1024;

/** @throws TemplateSyntaxError */
export function parseTemplate(source: string): Program {
  return new Parser(source).program();
}

class Parser extends ExpressionParser {
  readonly #blocks = new Map<string, Block>();

  constructor(source: string) {
    super(source.length > MAX_SOURCE ? [] : tokenize(source));
    if (source.length > MAX_SOURCE) this.stream.fail(`a template of more than ${MAX_SOURCE} characters`, 1);
  }

  program(): Program {
    const body = this.#statements(undefined);
    const program: Program = { body, blocks: this.#blocks };
    resolveNames(program);
    return program;
  }

  /** Statements up to a tag that ends them, which stays the current one; undefined: to the end of the template. */
  #statements(ends: readonly string[] | undefined): Statement[] {
    return this.nested(() => {
      const body: Statement[] = [];
      let output: (string | Expression)[] | undefined;
      const put = (part: string | Expression, line: number) => {
        if (output === undefined) body.push({ type: "Output", parts: (output = []), line, depth: 0 });
        output.push(part);
      };
      for (;;) {
        const { type, text, line } = this.stream.current;
        if (type === "data") put(this.stream.next().text, line);
        else if (type === "variable_begin") {
          this.stream.next();
          put(this.tuple(), line);
          this.stream.expect("variable_end");
        } else if (type === "block_begin") {
          output = undefined;
          this.stream.next();
          if (ends !== undefined && this.stream.is("name") && ends.includes(this.stream.current.text)) return body;
          const statement = this.#statement();
          if (statement !== undefined) body.push(statement);
          this.stream.expect("block_end");
        } else if (type === "end" && ends === undefined) return body;
        else
          this.stream.fail(
            type === "end" ? `Unexpected end of template: ${ends!.join(" or ")} is missing` : `unexpected ${text}`,
          );
      }
    });
  }

  /** The inside of a statement: behind its tag, up to one that ends it. */
  #body(ends: readonly string[]): Statement[] {
    if (this.stream.isOperator(":")) this.stream.next();
    this.stream.expect("block_end");
    return this.#statements(ends);
  }

  /** A body and the tag that ends it. */
  #closedBody(end: string): Statement[] {
    const body = this.#body([end]);
    this.stream.next();
    return body;
  }

  #statement(): Statement | undefined {
    const { text, line } = this.stream.expect("name");
    const base = { line, depth: 0 };
    switch (text) {
      case "for":
        return this.#for(base);
      case "if":
        return this.#if(base);
      case "set":
        return this.#set(base);
      case "macro": {
        const name = this.name();
        const signature = this.#signature();
        return { type: "Macro", name, ...signature, body: this.#closedBody("endmacro"), ...base };
      }
      case "call": {
        const signature = this.stream.isOperator("(") ? this.#signature() : { parameters: [], defaults: [] };
        const call = this.expression();
        if (call.type !== "Call") this.stream.fail("expected call", line);
        return { type: "CallBlock", call: call, ...signature, body: this.#closedBody("endcall"), ...base };
      }
      case "filter": {
        const filter = this.filter(undefined, true)!;
        return { type: "FilterBlock", filter, body: this.#closedBody("endfilter"), ...base };
      }
      case "with":
        return this.#with(base);
      case "print":
        return this.#print(base);
      case "generation":
        return { type: "Scope", isRoutine: true, body: this.#closedBody("endgeneration"), ...base };
      case "autoescape": {
        const option = this.expression();
        const body = this.#closedBody("endautoescape");
        const off = option.type === "Constant" && option.value === false;
        return off
          ? { type: "Scope", isRoutine: false, body, ...base }
          : { type: "Unsupported", what: "autoescape", ...base };
      }
      case "break":
        return { type: "Break", ...base };
      case "continue":
        return { type: "Continue", ...base };
      case "block":
        return this.#block(base);
      case "extends":
      case "include":
      case "import":
      case "from":
        // There is nothing to load from, in Python neither.
        while (!this.stream.is("block_end") && !this.stream.is("end")) this.stream.next();
        return { type: "Unsupported", what: `the tag ${text}`, ...base };
      default:
        return this.stream.fail(`Encountered unknown tag '${text}'`, line);
    }
  }

  #for(base: { line: number; depth: number }): Statement {
    const target = this.target({ end: ({ type, text }) => type === "name" && text === "in" });
    this.stream.expect("name", "in");
    const iterable = this.tuple({
      conditional: false,
      end: ({ type, text }) => type === "name" && text === "recursive",
    });
    const test = this.stream.skipIf("name", "if") ? this.expression() : undefined;
    const recursive = this.stream.skipIf("name", "recursive");
    const body = this.#body(["endfor", "else"]);
    const otherwise = this.stream.next().text === "else" ? this.#closedBody("endfor") : [];
    return { type: "For", target, iterable, test, recursive, body, otherwise, ...base };
  }

  #if(base: { line: number; depth: number }): Statement {
    const branches: { test: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] = [];
    for (;;) {
      const test = this.tuple({ conditional: false });
      branches.push({ test, body: this.#body(["elif", "else", "endif"]) });
      const { text } = this.stream.next();
      if (text === "else") otherwise = this.#closedBody("endif");
      if (text !== "elif") return { type: "If", branches, otherwise, ...base };
    }
  }

  #set(base: { line: number; depth: number }): Statement {
    const target = this.target({ withAttributes: true });
    if (this.stream.isOperator("=")) {
      this.stream.next();
      return { type: "Set", target, value: this.tuple(), ...base };
    }
    const filter = this.filter(undefined);
    return { type: "SetBlock", target, filter, body: this.#closedBody("endset"), ...base };
  }

  #signature(): { parameters: Name[]; defaults: Expression[] } {
    const parameters: Name[] = [];
    const defaults: Expression[] = [];
    this.stream.expect("operator", "(");
    while (!this.stream.isOperator(")")) {
      if (parameters.length > 0) this.stream.expect("operator", ",");
      parameters.push(this.name());
      if (this.stream.isOperator("=")) {
        this.stream.next();
        defaults.push(this.expression());
      } else if (defaults.length > 0) this.stream.fail("non-default argument follows default argument");
    }
    this.stream.next();
    if (new Set(parameters.map(({ name }) => name)).size < parameters.length) this.stream.fail("a parameter twice");
    return { parameters, defaults };
  }

  #with(base: { line: number; depth: number }): Statement {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!this.stream.is("block_end")) {
      if (targets.length > 0) this.stream.expect("operator", ",");
      targets.push(this.target());
      this.stream.expect("operator", "=");
      values.push(this.expression());
    }
    return { type: "With", targets, values, body: this.#closedBody("endwith"), ...base };
  }

  #print(base: { line: number; depth: number }): Statement {
    const parts: Expression[] = [];
    while (!this.stream.is("block_end")) {
      if (parts.length > 0) this.stream.expect("operator", ",");
      parts.push(this.expression());
    }
    return { type: "Output", parts, ...base };
  }

  #block(base: { line: number; depth: number }): Statement {
    const { text: name } = this.stream.expect("name");
    if (this.stream.is("name")) {
      const option = this.stream.current.text;
      while (this.stream.skipIf("name"));
      this.#closedBody("endblock");
      this.stream.skipIf("name", name);
      return { type: "Unsupported", what: `a block that is ${option}`, ...base };
    }
    const block: Block = { type: "Block", name, body: this.#closedBody("endblock"), ...base };
    this.stream.skipIf("name", name);
    if (this.#blocks.has(name)) this.stream.fail(`block '${name}' defined twice`, base.line);
    this.#blocks.set(name, block);
    return block;
  }
}
