/** A Jinja template as transformers renders it: Python's jinja2 in an immutable sandbox. */
import { types } from "node:util";
import { Budget } from "./budget.js";
import { TemplateLimitError, TemplateSyntaxError } from "./errors.js";
import { makeGlobals } from "./globals.js";
import { Interpreter } from "./interpreter.js";
import type { Program } from "./nodes.js";
import { parseTemplate } from "./parser.js";
import { StandardRuntime } from "./standard-runtime.js";
import { fromJson, sizeOf, type Value } from "./values.js";

/** A template that was parsed. It can be rendered any number of times. */
export class Template {
  readonly program: Program;

  /** @throws TemplateSyntaxError */
  constructor(source: string) {
    try {
      this.program = parseTemplate(source);
    } catch (error) {
      if (isRangeError(error)) throw new TemplateSyntaxError("the template is nested too deep", 1);
      throw error;
    }
  }

  /**
   * @param variables what JSON holds, by name; they go before the globals
   * @param now the time that the template sees
   * @throws TemplateRuntimeError, TemplateRefusal, UnsupportedError, TemplateLimitError
   */
  render(variables: Readonly<Record<string, unknown>>, now: Date = new Date()): string {
    const given = new Map<string, Value>();
    for (const [name, value] of Object.entries(variables)) given.set(name, fromJson(value));
    let size = 0;
    for (const value of given.values()) size += sizeOf(value);
    const runtime = new StandardRuntime(new Budget(size), now);
    const context = new Map([...makeGlobals(runtime), ...given]);
    try {
      return new Interpreter(this.program, context, runtime).run();
    } catch (error) {
      // The stack, or a text longer than any: both were meant to be bounded before.
      if (isRangeError(error)) throw new TemplateLimitError("is nested too deep, or makes too long a text");
      throw error;
    }
  }
}

/** Node's own, of whatever realm this runs in. */
function isRangeError(error: unknown): boolean {
  return types.isNativeError(error) && error.name === "RangeError";
}
