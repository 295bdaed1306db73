import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerStream } from "../../lib/generation/answer-stream.js";
import type { Segment } from "../../lib/generation/segments.js";
import { ThinkingSplitter, type AnswerForm } from "../../lib/generation/thinking-splitter.js";
import type { ThinkingTags } from "../../lib/generation/types.js";
import { namedControlTokens } from "../../lib/requests/control-names.js";
import { compileRegex } from "../../lib/stops/compile-regex.js";
import { StopScanner } from "../../lib/stops/stop-scanner.js";
import { cuts } from "./support/stop-cases.js";

const tags = { open: "<think>", close: "</think>" };

const joined = (segments: readonly Segment[], type: Segment["type"]) =>
  segments.map((segment) => (segment.type === type && "text" in segment ? segment.text : "")).join("");

function split(pieces: readonly string[], given: ThinkingTags = tags, form: AnswerForm = "free") {
  const splitter = new ThinkingSplitter(given, form);
  const segments = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.flush()];
  return { text: joined(segments, "text"), reasoning: joined(segments, "reasoning") };
}

describe("thinking tags", () => {
  it("divide a text, wherever it is cut", () => {
    const text = "<think>\nFirst this.\n</think>\n\nThe answer.\n";
    for (const pieces of cuts(text)) {
      expect(split(pieces)).toEqual({ reasoning: "First this.\n", text: "The answer.\n" });
    }
  });

  it("emit what they know at once, in its order", () => {
    const splitter = new ThinkingSplitter(tags);
    expect(splitter.push("Well <thi")).toEqual([{ type: "text", text: "Well " }]);
    expect(splitter.push("s> <think>a</")).toEqual([
      { type: "text", text: "<this> " },
      { type: "reasoning", text: "a" },
    ]);
    expect(splitter.push("think>  ")).toEqual([]);
    expect(splitter.push(" b")).toEqual([{ type: "text", text: "b" }]);
    expect(splitter.push(" <")).toEqual([{ type: "text", text: " " }]);
    expect(splitter.flush()).toEqual([{ type: "text", text: "<" }]);
  });

  it("need not be closed", () => {
    expect(split(["<think>and on </thi"])).toEqual({ reasoning: "and on </thi", text: "" });
    expect(split(["<think>"])).toEqual({ reasoning: "", text: "" });
  });

  it("may be opened by the prompt", () => {
    const startsOpen = { ...tags, startsOpen: true };
    expect(split(["\nso ", "so</think>\nyes"], startsOpen)).toEqual({ reasoning: "so so", text: "yes" });
    expect(split(["so so"], startsOpen)).toEqual({ reasoning: "so so", text: "" });
    expect(split(["</think>yes"], startsOpen)).toEqual({ reasoning: "", text: "yes" });
  });

  it("may come several times: each block is on a line of its own", () => {
    const text = "<think>one</think> a <think> </think><think>two</think> b";
    for (const pieces of cuts(text)) expect(split(pieces)).toEqual({ reasoning: "one\ntwo", text: "a b" });
  });

  it("count where they are expected alone", () => {
    expect(split(["<think>a<think>b</think>c</think>d"])).toEqual({ reasoning: "a<think>b", text: "c</think>d" });
  });

  it("may be the same", () => {
    expect(split(["a|b|c|d"], { open: "|", close: "|" })).toEqual({ reasoning: "b\nd", text: "ac" });
  });

  /** The promise, said over the whole text. */
  function oneShot(text: string, { open, close, startsOpen = false }: ThinkingTags) {
    const found = { text: "", reasoning: "" };
    let inside = startsOpen;
    for (let rest = text, first = !startsOpen; ; inside = !inside, first = false) {
      const tag = inside ? close : open;
      const at = rest.indexOf(tag);
      const block = at < 0 ? rest : rest.slice(0, at);
      const said = first ? block : block.trimStart();
      if (!inside) found.text += said;
      else if (said !== "") found.reasoning += (found.reasoning === "" ? "" : "\n") + said;
      if (at < 0) return found;
      rest = rest.slice(at + tag.length);
    }
  }

  it(
    "divide 10,000 generated texts as a search of the whole text does, cut at every place",
    { timeout: 60_000 },
    () => {
      const character = fc.constantFrom("<", "/", ">", "t", " ", "\n", "é", "😀");
      const tag = fc.oneof(
        fc.constantFrom("<t>", "</t>", "<", "<<", "😀", "\n"),
        fc.array(character, { minLength: 1, maxLength: 3 }).map((all) => all.join("")),
      );
      const given = fc.record({ open: tag, close: tag, startsOpen: fc.boolean() });
      const property = fc.property(given, fc.array(fc.oneof(character, tag), { maxLength: 10 }), (record, parts) => {
        const text = parts.join("");
        const expected = oneShot(text, record);
        for (const pieces of cuts(text)) {
          const { text: answer, reasoning } = split(pieces, record);
          if (answer !== expected.text || reasoning !== expected.reasoning) {
            expect({ pieces, text: answer, reasoning }).toEqual({ pieces, ...expected });
          }
        }
      });
      fc.assert(property, { numRuns: 10_000 });
    },
  );
});

describe("thinking tags before an answer that has a form", () => {
  const json = (text: string, given: ThinkingTags = tags) => each(text, given, "json");
  const grammar = (text: string, given: ThinkingTags = tags) => each(text, given, "grammar");

  /** Cut at every place, and the same each time. */
  function each(text: string, given: ThinkingTags, form: AnswerForm) {
    const all = cuts(text).map((pieces) => split(pieces, given, form));
    for (const one of all) expect(one).toEqual(all[0]);
    return all[0];
  }

  it("count once: the answer may hold any text", () => {
    const answer = '{"note":"<think>a</think>"}';
    expect(json(`<think>so</think>\n\n${answer}`)).toEqual({ reasoning: "so", text: answer });
    expect(json(` \n<think>so</think>${answer}`)).toEqual({ reasoning: "so", text: answer });
    expect(json(answer)).toEqual({ reasoning: "", text: answer });
    expect(json(`\n${answer}`)).toEqual({ reasoning: "", text: answer });
    expect(json(`so</think> ${answer}`, { ...tags, startsOpen: true })).toEqual({ reasoning: "so", text: answer });
  });

  it("leave an answer to the letter that a grammar says", () => {
    expect(grammar("<think> so</think> yes\n")).toEqual({ reasoning: "so", text: " yes\n" });
    expect(grammar(" <think>so</think>")).toEqual({ reasoning: "", text: " <think>so</think>" });
    expect(grammar("<this")).toEqual({ reasoning: "", text: "<this" });
    expect(grammar("<thi")).toEqual({ reasoning: "", text: "<thi" });
    expect(grammar("<think>so")).toEqual({ reasoning: "so", text: "" });
  });
});

describe("control tokens on the way", () => {
  const stream = (given?: ThinkingTags, regex?: RegExp) =>
    new AnswerStream(regex && new StopScanner([compileRegex(regex)]), { tags: given });

  it("are tags where they are named, and emitted nowhere", () => {
    const answer = stream({ open: "[THINK]", close: "[/THINK]" });
    const segments = [
      ...answer.push("[THINK]", true),
      ...answer.push("why [not"),
      ...answer.push("[THINK]", true),
      ...answer.push("] so"),
      ...answer.push("[/THINK]", true),
      ...answer.push(" yes"),
      ...answer.push("[/THINK]", true),
      ...answer.push("!"),
      ...answer.flush(),
    ];
    expect([joined(segments, "reasoning"), joined(segments, "text")]).toEqual(["why [not] so", "yes!"]);
  });

  it("are found by a stop regex, and emitted nowhere", () => {
    const answer = stream(undefined, /<\|end\|>\d/);
    const segments = [answer.push("a1"), answer.push("<|end|>", true), answer.push("b"), answer.push("<|end|>", true)];
    segments.push(answer.push("2c"), answer.flush());
    expect(joined(segments.flat(), "text")).toBe("a1b");
    expect(answer.stop).toBe("<|end|>2");
  });

  it("are separated in 5,000 generated texts, however they are held back", () => {
    const piece = fc.tuple(fc.constantFrom("a", "[", "[T", "]", "T", "ab", "😀"), fc.boolean());
    const property = fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, tagged) => {
      const answer = tagged ? stream({ open: "never there", close: "x" }) : stream(undefined, /never there|\[T\]!/);
      const segments = [...pieces.flatMap(([text, control]) => answer.push(text, control)), ...answer.flush()];
      expect(joined(segments, "text")).toBe(pieces.map(([text, control]) => (control ? "" : text)).join(""));
    });
    fc.assert(property, { numRuns: 5000 });
  });

  it("are those that stops and tags hold", () => {
    const texts = ["[THINK]", "[/THINK]", "<|end|>", "<|im|>", "<s>", ""];
    const none = { stopStrings: [], stopRegexes: [], thinkingTags: undefined, markup: [] };
    const stopRegex = (regex: RegExp | string) => ({ source: new RegExp(regex).source, program: compileRegex(regex) });
    const named = (more: object) => namedControlTokens(texts, { ...none, ...more });
    expect(named({})).toEqual([]);
    expect(named({ stopStrings: ["x<|im|>user"] })).toEqual(["<|im|>"]);
    expect(named({ stopRegexes: [/a<\|end\|>?/, "\\[THINK\\]"].map(stopRegex) })).toEqual(["[THINK]", "<|end|>"]);
    expect(named({ thinkingTags: { open: "[THINK]", close: "[/THINK]" } })).toEqual(["[THINK]", "[/THINK]"]);
    expect(named({ markup: ['root ::= "<s>" call'] })).toEqual(["<s>"]);
  });
});

describe("an answer stream", () => {
  it("looks for stops before tags, in reasoning and answer alike", () => {
    const make = () => new AnswerStream(new StopScanner([compileRegex(/\nUser:|STOP/)]), { tags });
    for (const pieces of cuts("<think>a</think>b\nUser: c")) {
      const answer = make();
      const segments = [...pieces.flatMap((piece) => answer.push(piece)), ...answer.flush()];
      expect([joined(segments, "reasoning"), joined(segments, "text")]).toEqual(["a", "b"]);
      expect(answer.stop).toBe("\nUser:");
    }
    const thinking = make();
    expect(thinking.push("<think>a</thSTOPink>b")).toEqual([{ type: "reasoning", text: "a" }]);
    expect(thinking.flush()).toEqual([{ type: "reasoning", text: "</th" }]);
    expect(thinking.stop).toBe("STOP");
  });

  it("passes text on as it is where nothing is asked for", () => {
    const answer = new AnswerStream();
    expect(answer.push("<think>")).toEqual([{ type: "text", text: "<think>" }]);
    expect(answer.push("")).toEqual([]);
    expect(answer.flush()).toEqual([]);
    expect(answer.stop).toBeUndefined();
  });
});
