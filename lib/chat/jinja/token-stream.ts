/** The tokens of a template, one after the other. */
import { TemplateSyntaxError } from "./errors.js";
import type { Token, TokenType } from "./lexer.js";

/** A place in a list of tokens. */
export class TokenStream {
  #at = 0;

  /** @param tokens the last one is of the type `end` */
  constructor(readonly tokens: readonly Token[]) {}

  get current(): Token {
    return this.tokens[this.#at]!;
  }

  /** The one behind the current. */
  get ahead(): Token {
    return this.tokens[Math.min(this.#at + 1, this.tokens.length - 1)]!;
  }

  /** The current one; the stream goes on. */
  next(): Token {
    const token = this.current;
    if (token.type !== "end") this.#at++;
    return token;
  }

  is(type: TokenType, text?: string): boolean {
    return matches(this.current, type, text);
  }

  /** Whether the current one is this operator. */
  isOperator(...texts: string[]): boolean {
    return this.current.type === "operator" && texts.includes(this.current.text);
  }

  skipIf(type: TokenType, text?: string): boolean {
    const found = this.is(type, text);
    if (found) this.next();
    return found;
  }

  /** @throws TemplateSyntaxError where the current one is another */
  expect(type: TokenType, text?: string): Token {
    if (!this.is(type, text))
      this.fail(`expected ${text === undefined ? type : `'${text}'`}, got ${describe(this.current)}`);
    return this.next();
  }

  /** @throws TemplateSyntaxError always */
  fail(message: string, line = this.current.line): never {
    throw new TemplateSyntaxError(message, line);
  }
}

/** Whether a token is of a type, and has a text. */
export function matches(token: Token, type: TokenType, text?: string): boolean {
  return token.type === type && (text === undefined || token.text === text);
}

/** A token for a message. Texts of strings and of the template itself are not shown. */
export function describe({ type, text }: Token): string {
  if (type === "end") return "the end of the template";
  return type === "name" || type === "operator" ? `'${text}'` : type.replace("_", " ");
}
