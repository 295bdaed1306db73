/** json.loads(): what JavaScript's own would lose is kept, such as 1.0, whole numbers of any size and the order of keys. */
import { Dict, type Value } from "./values.js";

/** Why a text was not read. Its message quotes nothing of the text. */
export class JsonError extends Error {}

/** How deep it may be nested: as deep as what a template may be given. */
const MAX_DEPTH = 200;
/** Python reads no int of more. */
const MAX_DIGITS = 4300;

/**
 * The value of a JSON text.
 *
 * @throws JsonError where it is none, nested too deep, or holds a number that is too large
 */
export function loads(text: string): Value {
  try {
    JSON.parse(text);
  } catch {
    throw new JsonError("is not JSON");
  }
  return new Reader(text).value(0);
}

const blanks = /[ \t\n\r]*/y;
const number = /-?\d[\d.eE+-]*/y;

/** Reads from left to right. REQUIRES: the text is JSON. */
class Reader {
  #at = 0;

  constructor(readonly text: string) {}

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new JsonError(`is nested deeper than ${MAX_DEPTH} times`);
    switch (this.#peek()) {
      case "{":
        return this.#dict(depth);
      case "[":
        return this.#list(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  /** The next character that is no white space. */
  #peek(): string {
    this.#skip(blanks);
    return this.text[this.#at]!;
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)![0];
    this.#at += found.length;
    return found;
  }

  #word<T>(word: string, value: T): T {
    this.#at += word.length;
    return value;
  }

  #number(): Value {
    const written = this.#skip(number);
    if (/^-?\d+$/.test(written)) {
      if (written.length > MAX_DIGITS) throw new JsonError(`holds a number of more than ${MAX_DIGITS} digits`);
      return BigInt(written);
    }
    const value = Number(written);
    if (!Number.isFinite(value)) throw new JsonError("holds a number that is too large");
    return value;
  }

  #string(): string {
    const begin = this.#at;
    for (;;) {
      const quote = this.text.indexOf('"', this.#at + 1);
      let backslashes = 0;
      while (this.text[quote - 1 - backslashes] === "\\") backslashes++;
      this.#at = quote;
      if (backslashes % 2 === 0) break;
    }
    this.#at++;
    return JSON.parse(this.text.slice(begin, this.#at)) as string;
  }

  #list(depth: number): Value[] {
    const items: Value[] = [];
    this.#at++;
    while (this.#peek() !== "]") {
      items.push(this.value(depth + 1));
      if (this.#peek() === ",") this.#at++;
    }
    this.#at++;
    return items;
  }

  #dict(depth: number): Dict {
    const dict = new Dict();
    this.#at++;
    while (this.#peek() !== "}") {
      const key = this.#string();
      this.#peek();
      this.#at++;
      dict.set(key, this.value(depth + 1));
      if (this.#peek() === ",") this.#at++;
    }
    this.#at++;
    return dict;
  }
}
