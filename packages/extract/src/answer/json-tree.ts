/** An answer's JSON with the places of its values. */
import { ExtractError } from "../errors.js";

export type JsonLeaf = string | number | boolean | null;

/** Keys and indices from the root to a value. */
export type Path = readonly (string | number)[];

/** A value that holds no others, and its literal's place in the text: UTF-16 offsets, quotes included. */
export interface LeafNode {
  readonly kind: "leaf";
  readonly path: Path;
  readonly value: JsonLeaf;
  readonly start: number;
  readonly end: number;
}
export interface ObjectNode {
  readonly kind: "object";
  readonly entries: readonly (readonly [string, JsonNode])[];
}
export interface ArrayNode {
  readonly kind: "array";
  readonly items: readonly JsonNode[];
}
export type JsonNode = LeafNode | ObjectNode | ArrayNode;

/**
 * Reads a text that is one JSON value. Of a key that stands twice the last value counts, as in `JSON.parse`.
 * @throws ExtractError `BAD_ANSWER` where it is none: an answer that was cut has no tree
 */
export function readJson(text: string): JsonNode {
  try {
    JSON.parse(text);
  } catch {
    throw new ExtractError("BAD_ANSWER", "the answer is not complete JSON: look at finishReason before asking for it");
  }
  return new Reader(text).read();
}

/** The leaves of a tree in the order of the text. */
export function leavesOf(node: JsonNode): LeafNode[] {
  const found: LeafNode[] = [];
  const visit = (each: JsonNode): void => {
    if (each.kind === "leaf") found.push(each);
    else if (each.kind === "array") each.items.forEach(visit);
    else for (const [, value] of each.entries) visit(value);
  };
  visit(node);
  return found.sort((a, b) => a.start - b.start);
}

/** Walks a text that is known to be JSON, so that nothing has to be checked again. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonNode {
    return this.#value([]);
  }

  #value(path: Path): JsonNode {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(path);
    if (first === "[") return this.#array(path);
    const start = this.#at;
    if (first === '"') this.#skipString();
    else while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at]!)) this.#at++;
    const value = JSON.parse(this.#text.slice(start, this.#at)) as JsonLeaf;
    return { kind: "leaf", path, value, start, end: this.#at };
  }

  #object(path: Path): ObjectNode {
    // A Map keeps a key in the place where it stood first, as an object does, and takes "__proto__" for a key.
    const entries = new Map<string, JsonNode>();
    this.#at++;
    while (this.#next() !== "}") {
      const start = this.#at;
      this.#skipString();
      const key = JSON.parse(this.#text.slice(start, this.#at)) as string;
      this.#next();
      this.#at++; // the colon
      entries.set(key, this.#value([...path, key]));
      if (this.#next() === ",") this.#at++;
    }
    this.#at++;
    return { kind: "object", entries: [...entries] };
  }

  #array(path: Path): ArrayNode {
    const items: JsonNode[] = [];
    this.#at++;
    while (this.#next() !== "]") {
      items.push(this.#value([...path, items.length]));
      if (this.#next() === ",") this.#at++;
    }
    this.#at++;
    return { kind: "array", items };
  }

  /** The next character that is no white space, where the reader then stands. */
  #next(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#at];
  }

  #skipSpace(): void {
    while (/[ \t\n\r]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #skipString(): void {
    this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    this.#at++;
  }
}
