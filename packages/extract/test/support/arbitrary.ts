/** JSON texts as models may write them, and ways in which a vocabulary may cut them. */
import fc from "fast-check";

import type { DrawnToken } from "../../src/answer/tokens.js";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Whole characters: an answer is UTF-8, in which half a surrogate pair cannot stand. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("", '"', "\\", '\\"', "Ä", "𝛼mol/L", "👩‍⚕️", "\n", "\u0000", "é", "e\u0301", "日本", "},{", '":"'),
);

export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor")), tie("value"), { maxKeys: 4 }),
  ),
})).value;

/** Writes a value with white space where it may stand, and characters as escapes. */
export function write(value: Json, choose: () => number): string {
  const space = () => ["", "", "", " ", "\n", "\t "][choose() % 6]!;
  const quoted = (each: string) => {
    let out = '"';
    for (const character of each) {
      const plain = JSON.stringify(character).slice(1, -1);
      const escaped = Array.from(
        { length: character.length },
        (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
      ).join("");
      out += choose() % 5 === 0 ? escaped : plain;
    }
    return `${out}"`;
  };
  const written = (each: Json): string => {
    if (typeof each === "string") return quoted(each);
    if (Array.isArray(each)) return `[${space()}${each.map((item) => written(item) + space()).join(`,${space()}`)}]`;
    if (typeof each === "object" && each !== null) {
      const entries = Object.entries(each).map(([k, v]) => `${quoted(k)}${space()}:${space()}${written(v)}${space()}`);
      return `{${space()}${entries.join(`,${space()}`)}}`;
    }
    return JSON.stringify(each);
  };
  return space() + written(value) + space();
}

/** Cuts bytes anywhere, within characters too, with tokens of no bytes between. */
export function cut(bytes: Uint8Array, choose: () => number): DrawnToken[] {
  const tokens: DrawnToken[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = [1, 1, 2, 3, 5, 9, 0][choose() % 7]!;
    tokens.push({ bytes: [...bytes.slice(at, at + length)], logprobBefore: -(choose() % 1000) / 100 });
    at += length;
  }
  return tokens;
}

/** Numbers in turn, then again from the first. */
export function inTurn(numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length]!;
}

export const choices = fc.array(fc.nat(9999), { minLength: 30, maxLength: 60 });
