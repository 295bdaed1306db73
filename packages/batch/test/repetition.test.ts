/** What is a loop, and what is a table. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { findRepetition, isLoop, judgeAnswer } from "../src/index.js";
import { tokensOf } from "../src/compute/repetition.js";

const word = fc.stringMatching(/^[a-z]{2,12}$/);

test("a phrase that is repeated up to the end is a loop, wherever it begins and is cut", () => {
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 80 }),
      fc.array(word, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 200 }),
      fc.constantFrom("", '"}', ".", '"]}\n'),
      (before, phrase, cut, closing) => {
        const times = 10 + Math.ceil(80 / phrase.length);
        const circle = Array.from({ length: times }, () => phrase.join(" ")).join(", ");
        const text = `${before.join(" ")} ${circle.slice(0, circle.length - (cut % (phrase.join(" ").length + 2)))}${closing}`;
        expect(isLoop(text, true)).toBe(true);
        expect(isLoop(text, false)).toBe(true);
      },
    ),
  );
});

test("equal lines that the model ended itself are a table", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.nat(999).map(String)), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(" | ", "\t", ", ", ";", "  "),
      fc.integer({ min: 1, max: 80 }),
      fc.boolean(),
      (cells, between, lines, ends) => {
        const table = Array.from({ length: lines }, () => cells.join(between)).join("\n");
        expect(isLoop(`name${between}dose\n${table}${ends ? "\n" : ""}`, false)).toBe(false);
      },
    ),
  );
});

test("equal rows as JSON are a table", () => {
  const rows = Array.from({ length: 60 }, () => ({ drug: "none", dose: 0, given: "not given" }));
  expect(isLoop(JSON.stringify({ rows }), false)).toBe(false);
  expect(isLoop(JSON.stringify({ rows }, null, 2), false)).toBe(false);
  expect(isLoop(JSON.stringify(Array.from({ length: 200 }, () => "normal")), false)).toBe(false);
  expect(isLoop(JSON.stringify({ counts: new Array(300).fill(0) }), false)).toBe(false);
});

test("a circle within a text of JSON is a loop, also where it was closed", () => {
  const text = `{"findings":"${"no acute distress and ".repeat(20)}"}`;
  expect(isLoop(text, false)).toBe(true);
  expect(isLoop(text.slice(0, -9), true)).toBe(true);
});

test("a table that was cut is a loop only where its equal rows are over half of it", () => {
  const equal = "Aspirin | 100 mg | daily\n".repeat(40);
  const different = Array.from({ length: 60 }, (_, i) => `Drug ${i * 37} | ${i * 13} mg | on day ${i * i}\n`).join("");
  expect(isLoop(equal, true)).toBe(true);
  expect(isLoop(different + equal, true)).toBe(false);
  expect(isLoop(different, true)).toBe(false);
});

test("texts whose words differ are no loops, and neither is a circle that ends", () => {
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 200 }), fc.boolean(), (words, isCut) => {
      expect(isLoop(words.join(" "), isCut)).toBe(false);
      const ended = `${"pain and ".repeat(40)}${words.join(" ")}`;
      if (words.length > 1) expect(findRepetition(ended)).toBeUndefined();
    }),
  );
});

test("scripts without spaces are counted by letters", () => {
  expect(isLoop("患者は" + "痛みがあり".repeat(20), true)).toBe(true);
  expect(isLoop("ไม่มีอาการ".repeat(20), false)).toBe(true);
  expect(tokensOf("痛みmg12")).toEqual(["痛", "み", "mg", "1", "2"]);
});

test("is linear: a long answer takes no time", () => {
  const text = "a b ".repeat(100_000);
  const began = performance.now();
  expect(isLoop(text, true)).toBe(true);
  expect(isLoop(`${text}x ${"c d e ".repeat(30_000)}y z`, true)).toBe(false);
  expect(performance.now() - began).toBeLessThan(5000);
});

test("the shortest part is told", () => {
  expect(findRepetition("yes no ".repeat(50))).toMatchObject({ period: 2, repeats: 50, isRecord: false, share: 1 });
  expect(findRepetition("very, very, very ill")).toBeUndefined();
});

test("an answer is refused by name", () => {
  const code = (text: string, finishReason: string) => {
    try {
      judgeAnswer({ text, finishReason });
      return "ok";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(code("Aspirin 100 mg", "eos")).toBe("ok");
  expect(code("Aspirin 100 mg", "stop")).toBe("ok");
  expect(code("Aspirin 100", "length")).toBe("ANSWER_CUT");
  expect(code("Aspirin 100", "context")).toBe("ANSWER_CUT");
  expect(code("Aspirin 100", "time")).toBe("ANSWER_CUT");
  expect(code("the patient ".repeat(60), "length")).toBe("ANSWER_REPEATS");
  expect(code("the patient ".repeat(60), "eos")).toBe("ANSWER_REPEATS");
});
