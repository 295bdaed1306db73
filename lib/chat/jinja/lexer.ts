/** From a template's text to tokens, with transformers' settings: trim_blocks and lstrip_blocks. */
import { TemplateSyntaxError } from "./errors.js";
import { MAX_INT_DIGITS, parseInt } from "./numbers.js";
import { SPACE, strip } from "./text.js";

export type TokenType =
  | "data"
  | "block_begin"
  | "block_end"
  | "variable_begin"
  | "variable_end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "end";

export interface Token {
  readonly type: TokenType;
  /** An operator is its own text. */
  readonly text: string;
  /** Of integers and floats. */
  readonly number?: bigint | number;
  readonly line: number;
}

/** Longer ones first. */
const operators = ["//", "**", "==", "!=", ">=", "<=", ..."+-/*%~[](){}><=.:|,;"];
const closers: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

const space = new RegExp(`[${SPACE}]+`, "y");
const float = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const word = /[\p{L}\p{M}\p{N}_·]+/uy;
const quoted = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const identifier = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}·]*$/u;

const rawBegin = new RegExp(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, "y");
const rawEnd = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, "g");
const commentEnd = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, "g");
const blockEnd = new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, "y");
const variableEnd = new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, "y");

/** @throws TemplateSyntaxError */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Whether what was read last ended a line. */
  #lineStarts = true;

  constructor(source: string) {
    this.#source = source.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#text();
    this.#push("end", "");
    return this.#tokens;
  }

  /** What a pattern matches here. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source);
  }

  #push(type: TokenType, text: string, number?: bigint | number): void {
    this.#tokens.push(
      number === undefined ? { type, text, line: this.#line } : { type, text, number, line: this.#line },
    );
  }

  #advance(to: number): void {
    for (let i = this.#at; i < to; i++) if (this.#source[i] === "\n") this.#line++;
    this.#lineStarts = this.#source[to - 1] === "\n";
    this.#at = to;
  }

  #fail(message: string): never {
    throw new TemplateSyntaxError(message, this.#line);
  }

  /** Text up to the next tag, and that tag. */
  #text(): void {
    const start = this.#source.slice(this.#at).search(/\{[{%#]/);
    if (start < 0) {
      this.#data(this.#source.slice(this.#at));
      this.#at = this.#source.length;
      return;
    }
    const begin = this.#at + start;
    const text = this.#source.slice(this.#at, begin);
    const kind = this.#source[begin + 1];
    const sign = /[-+]/.test(this.#source[begin + 2] ?? "") ? this.#source[begin + 2]! : "";
    this.#data(this.#trimmed(text, sign, kind === "{"));
    this.#advance(begin);
    const raw = this.#match(rawBegin);
    if (raw !== null) {
      this.#advance(begin + raw[0].length);
      this.#raw();
      return;
    }
    this.#advance(begin + 2 + sign.length);
    if (kind === "#") this.#comment();
    else if (kind === "%") this.#code("block_begin", "block_end", blockEnd);
    else this.#code("variable_begin", "variable_end", variableEnd);
  }

  #data(text: string): void {
    if (text !== "") this.#push("data", text);
  }

  /** The text before a tag without the white space that the tag takes away. */
  #trimmed(text: string, sign: string, isVariable: boolean): string {
    if (sign === "-") return strip(text, null, "right");
    if (sign === "+" || isVariable) return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    if (lineStart === 0 && !this.#lineStarts) return text;
    return strip(text.slice(lineStart), null, "both") === "" ? text.slice(0, lineStart) : text;
  }

  #raw(): void {
    const end = this.#match(rawEnd);
    if (end === null) this.#fail("Missing end of raw directive");
    this.#data(this.#trimmed(this.#source.slice(this.#at, end.index), end[1]!, false));
    this.#advance(end.index + end[0].length);
  }

  #comment(): void {
    const end = this.#match(commentEnd);
    if (end === null) this.#fail("Missing end of comment tag");
    this.#advance(end.index + end[0].length);
  }

  /** The tokens of one tag. Its end counts only where no bracket is open. */
  #code(begin: TokenType, end: TokenType, ending: RegExp): void {
    this.#push(begin, "");
    const open: string[] = [];
    while (this.#at < this.#source.length) {
      const close = open.length === 0 ? this.#match(ending) : null;
      if (close !== null) {
        this.#push(end, "");
        this.#advance(this.#at + close[0].length);
        return;
      }
      this.#token(open);
    }
  }

  #integer(text: string): bigint | undefined {
    // As many digits of base 16 are more in base 10.
    if (text.length > MAX_INT_DIGITS * 0.75) this.#fail("an int has too many digits");
    return parseInt(text, 0);
  }

  #token(open: string[]): void {
    const blank = this.#match(space);
    const match = (pattern: RegExp) => this.#match(pattern)?.[0];
    let text = blank?.[0];
    if (text !== undefined) return this.#advance(this.#at + text.length);
    if ((text = match(float)) !== undefined) this.#push("float", text, Number(text.replaceAll("_", "")));
    else if ((text = match(integer)) !== undefined) this.#push("integer", text, this.#integer(text));
    else if ((text = match(word)) !== undefined) {
      if (!identifier.test(text)) this.#fail("Invalid character in identifier");
      this.#push("name", text);
    } else if ((text = match(quoted)) !== undefined) this.#push("string", unescape(text.slice(1, -1), this.#line));
    else {
      text = operators.find((operator) => this.#source.startsWith(operator, this.#at));
      if (text === undefined) this.#fail(`unexpected character at ${this.#at}`);
      this.#balance(text, open);
      this.#push("operator", text);
    }
    this.#advance(this.#at + text.length);
  }

  #balance(operator: string, open: string[]): void {
    const closer = closers[operator];
    if (closer !== undefined) open.push(closer);
    else if (/[)\]}]/.test(operator) && open.pop() !== operator) this.#fail(`unexpected '${operator}'`);
  }
}

const simple: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Python's escapes in a text. An unknown one stays as it is, backslash and all. */
function unescape(text: string, line: number): string {
  if (!text.includes("\\")) return text;
  const bad = (): never => {
    throw new TemplateSyntaxError("a text holds a damaged escape", line);
  };
  // Python escapes what is not ASCII first: a backslash before such a character meets that escape's own.
  const escapes = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/gu;
  return text.replace(escapes, (whole, octal: string, x: string, u: string, U: string, other: string) => {
    const code = octal === undefined ? Number.parseInt(x ?? u ?? U ?? "", 16) : Number.parseInt(octal, 8);
    if (other === undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : bad();
    if ("xuUN".includes(other)) return bad();
    if (other.codePointAt(0)! > 0x7f) return whole.slice(0, 1) + escapeCode(other.codePointAt(0)!);
    return Object.hasOwn(simple, other) ? simple[other]! : whole;
  });
}

/** What is left of an escaped character whose backslash was taken for an escaped one. */
function escapeCode(code: number): string {
  if (code < 0x100) return `x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `u${code.toString(16).padStart(4, "0")}`;
  return `U${code.toString(16).padStart(8, "0")}`;
}
