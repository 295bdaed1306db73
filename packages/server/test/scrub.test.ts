import fc from "fast-check";
import { expect, test } from "vitest";

import { Problem } from "../src/http/problem.js";
import { withoutTexts } from "../src/http/scrub.js";

const known = new Set(["messages", "model"]);

test("what was sent goes, with the rest of its quotation; words of the API stay", () => {
  const problem = new Problem(400, "x", 'messages: "Zebulon Quackenbush, born 1931…" is no tool', {
    param: "tools.Zebulon",
  });
  const sent = { messages: ["Zebulon Quackenbush, born 1931 in a small town"], Zebulon: 1, model: "m" };
  const { message, param } = withoutTexts(problem, sent, known);
  expect(message).toBe('messages: "(…)" is no tool');
  expect(param).toBe("tools.(…)");
});

test("a text that stands there twice goes twice, and nothing between", () => {
  const problem = new Problem(400, "x", "#/properties/Zebulon Q/properties/Zebulon Q: is wrong");
  expect(withoutTexts(problem, { "Zebulon Q": 1 }, known).message).toBe("#/properties/(…)/properties/(…): is wrong");
});

test("a problem that quotes nothing is the same one", () => {
  const problem = new Problem(400, "x", "the body is empty", { param: "messages" });
  expect(withoutTexts(problem, { messages: "empty words" }, known)).toBe(problem);
});

test("no text of three characters or more is left, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3, maxLength: 60 }), fc.string(), fc.string(), (text, before, behind) => {
      fc.pre(!"(…)".includes(text.slice(0, 30)) && !known.has(text));
      const problem = new Problem(400, "x", `${before} "${text}" ${behind} ${text}`);
      const { message } = withoutTexts(problem, [text], known);
      // What stood between may have made it anew with its neighbours.
      return !message.includes(`"${text}"`);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["grammar: rule Quackenbush is used and not defined", "grammar: rule (…) is used and not defined"],
  [
    "grammar: rule Quackenbush begins with itself: left recursion",
    "grammar: rule (…) begins with itself: left recursion",
  ],
  [
    "grammar: invalid token '<Quackenbush>' (in the rule at line 1)",
    "grammar: invalid token (…) (in the rule at line 1)",
  ],
  ["chatTemplate: is no valid Jinja: no filter 'quackenbush' (line 2)", "chatTemplate: is no valid Jinja (line 2)"],
  ["chatTemplate: refuses these messages: Quackenbush", "chatTemplate: refuses these messages"],
  ["chatTemplate: cannot be rendered: 'quackenbush' is undefined", "chatTemplate: cannot be rendered"],
])("a part of a grammar or of a template goes: %s", (message, told) => {
  expect(withoutTexts(new Problem(400, "x", message), {}, known).message).toBe(told);
});
