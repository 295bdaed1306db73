/** Values, their places in the answer, and the tokens there. */
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { TokenLogprobs } from "medinfer";

import { leavesOf, readJson, type JsonLeaf } from "../src/answer/json-tree.js";
import { fromOpenAi, TokenPlaces, type DrawnToken } from "../src/answer/tokens.js";
import { scoreValues } from "../src/confidence/scores.js";
import { ExtractError, evidenceEntries, evidenceOf } from "../src/index.js";
import { choices, cut, inTurn, json, write } from "./support/arbitrary.js";

const utf8 = new TextEncoder();

/** Every leaf of a parsed value, with its path. */
function walk(value: unknown, path: (string | number)[] = []): [string, JsonLeaf][] {
  if (Array.isArray(value)) return value.flatMap((item, i) => walk(item, [...path, i]));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => walk(item, [...path, key]));
  }
  return [[JSON.stringify(path), value as JsonLeaf]];
}

describe("the places of values", () => {
  it("are exact, whatever stands in the answer", () => {
    fc.assert(
      fc.property(json, choices, (value, numbers) => {
        const text = write(value, inTurn(numbers));
        const leaves = leavesOf(readJson(text));
        expect(new Map(leaves.map(({ path, value: leaf }) => [JSON.stringify(path), leaf]))).toEqual(
          new Map(walk(JSON.parse(text))),
        );
        for (const leaf of leaves) expect(JSON.parse(text.slice(leaf.start, leaf.end))).toEqual(leaf.value);
      }),
      { numRuns: 1000 },
    );
  });

  it("are of the last value where a key stands twice", () => {
    const [leaf, ...others] = leavesOf(readJson('{"a":1,"a":2}'));
    expect([leaf!.value, leaf!.start, others]).toEqual([2, 11, []]);
  });

  it("are none in an answer that was cut", () => {
    expect(() => readJson('{"name":"Leila Och')).toThrow(expect.objectContaining({ code: "BAD_ANSWER" }));
    expect(() => readJson("")).toThrow(ExtractError);
    try {
      readJson('{"name":"Leila Och');
    } catch (error) {
      expect(String(error)).not.toContain("Leila");
    }
  });
});

describe("the tokens of a value", () => {
  it("are all that have a byte of it or end it, and no others", () => {
    fc.assert(
      fc.property(json, choices, fc.string({ unit: "grapheme" }), (value, numbers, thought) => {
        const text = write(value, inTurn(numbers));
        const before = utf8.encode(thought);
        const bytes = new Uint8Array([...before, ...utf8.encode(text), ...utf8.encode("</s>")]);
        const tokens = cut(bytes, inTurn(numbers));
        const leaves = leavesOf(readJson(text));
        const scores = scoreValues(leaves, new TokenPlaces(text, tokens));
        for (const [i, leaf] of leaves.entries()) {
          // By hand: the bytes between the quotes and the closing quote, or the literal and the byte behind it.
          const quoted = typeof leaf.value === "string";
          const from = before.length + utf8.encode(text.slice(0, leaf.start + (quoted ? 1 : 0))).length;
          const to =
            before.length +
            Math.min(utf8.encode(text.slice(0, leaf.end)).length + (quoted ? 0 : 1), utf8.encode(text).length);
          let at = 0;
          const own: number[] = [];
          for (const token of tokens) {
            const [start, end] = [at, (at += token.bytes.length)];
            if (start < to && end > from && end > start) own.push(token.logprobBefore);
          }
          expect(scores[i]!.sum).toBeCloseTo(
            own.reduce((a, b) => a + b, 0),
            9,
          );
          expect(scores[i]!.least).toBe(Math.min(...own));
          expect(scores[i]!.mean).toBeCloseTo(scores[i]!.sum / own.length, 9);
        }
      }),
      { numRuns: 1000 },
    );
  });

  const token = (text: string, logprobBefore: number): DrawnToken => ({ bytes: [...utf8.encode(text)], logprobBefore });

  it("count as a whole where they reach over its border", () => {
    const text = '{"a":"x","b":"y"}';
    const tokens = [token('{"a":"x', -1), token('","b":"', -2), token("y", -4), token('"}', -8), token("</s>", -16)];
    const [a, b] = scoreValues(leavesOf(readJson(text)), new TokenPlaces(text, tokens));
    expect([a, b]).toEqual([
      { sum: -3, least: -2, mean: -1.5 },
      { sum: -12, least: -8, mean: -6 },
    ]);
  });

  it("are those of the answer where thoughts before it say the same", () => {
    const tokens = [
      token('{"a":1}', -5),
      token("</think>", -6),
      token('{"a":', 0),
      token("1", -0.5),
      token("}", -0.25),
    ];
    const [a] = scoreValues(leavesOf(readJson('{"a":1}')), new TokenPlaces('{"a":1}', tokens));
    expect(a!.sum).toBe(-0.75);
  });

  it("are refused where they are of another text, or missing", () => {
    const wrong = expect.objectContaining({ code: "BAD_TOKENS" });
    expect(() => evidenceOf({ text: '{"a":"Leila"}', logprobs: [token('{"a":"Lena"}', 0)] })).toThrow(wrong);
    expect(() => evidenceOf({ text: '{"a":"Leila"}' })).toThrow(wrong);
  });

  it("come from a server as well", () => {
    const logprobs = fromOpenAi([
      { token: '{"a":', bytes: null, logprob: 0 },
      { token: "\uFFFD", bytes: [0x22, 0xc3], logprob: -1 },
      { token: "\uFFFD", bytes: [0xa4, 0x22], logprob: -2 },
      { token: "}", bytes: [0x7d], logprob: 0 },
    ]);
    const { fields } = evidenceOf({ text: '{"a":"ä"}', logprobs });
    expect([...evidenceEntries(fields)]).toEqual([
      [["a"], { value: "ä", text: "ä", confidence: Math.exp(-3), source: "model" }],
    ]);
  });

  it("are those of medinfer", () => {
    expectTypeOf<TokenLogprobs>().toExtend<DrawnToken>();
  });
});

describe("the tree", () => {
  it("has the answer's shape, with evidence in the place of values", () => {
    const text = '{"a":{"value":[],"b":[true,null,{}]},"__proto__":1.50,"confidence":"low"}';
    const logprobs = [{ bytes: [...utf8.encode(text)], logprobBefore: -0.5 }];
    const { fields, calibrated } = evidenceOf({ text, logprobs });
    const evidence = (value: unknown, said: string) => ({
      value,
      text: said,
      confidence: Math.exp(-0.5),
      source: "model",
    });
    expect(calibrated).toBe(false);
    expect(Object.entries(fields)).toEqual([
      ["a", { value: [], b: [evidence(true, "true"), evidence(null, ""), {}] }],
      ["__proto__", evidence(1.5, "1.50")],
      ["confidence", evidence("low", "low")],
    ]);
    expect(Array.from(evidenceEntries(fields), ([path]) => path.join("."))).toEqual([
      "a.b.0",
      "a.b.1",
      "__proto__",
      "confidence",
    ]);
  });

  it("has the type of what was parsed", () => {
    const _typed = () => evidenceOf({ text: "", parsed: { name: "", ages: [1] } }).fields;
    expectTypeOf<ReturnType<typeof _typed>["name"]["value"]>().toEqualTypeOf<string>();
    expectTypeOf<ReturnType<typeof _typed>["ages"][0]["value"]>().toEqualTypeOf<number>();
  });
});
