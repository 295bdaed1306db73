/** How each chat template of llama.cpp writes calls of tools: read whole, in pieces and cut, and allowed by the grammar. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { JsonSchema } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTemplate } from "../../lib/chat/registry.js";
import type { ResolvedTool } from "../../lib/chat/tool-schema.js";
import type { Segment } from "../../lib/generation/segments.js";
import { TurnReader } from "../../lib/generation/turn-reader.js";
import type { NativeEngine, NativeEvent } from "../../lib/native/types.js";
import { settleChoice, type ToolChoice } from "../../lib/tools/tool-choice.js";
import { callingTurn, usesGenericForm, withReadableCalls } from "../../lib/tools/turn-format.js";
import { addon, loadOptions, requestOf } from "../lifetime/children/native.mjs";
import { tinyModel } from "../support/random-model.mjs";
import { SeededRandom } from "../support/seeded-random.mjs";
import { randomAnswers } from "./support/random-answers.js";
import { schemas } from "./support/schemas.js";
import { templateNames, templateSource, tools, turns, writtenTurn } from "./support/written-turns.js";

type Kind = keyof typeof turns;
const kinds = Object.keys(turns) as Kind[];

/** Turns that a template writes in a way in which no model answers. */
const unlike: Record<string, Kind[]> = {
  // Lists as Python's repr, with single quotes, which is no JSON.
  "ByteDance-Seed-OSS": ["two calls", "prose and a call"],
  "openbmb-MiniCPM5-1B": ["two calls", "prose and a call"],
  // Prose behind the calls, or in a turn of its own.
  "google-gemma-4-31B-it": ["prose and a call"],
  "google-gemma-4-31B-it-interleaved": ["prose and a call"],
  "NVIDIA-Nemotron-Nano-v2": ["prose and a call"],
  // Prose before a call is its analysis.
  "openai-gpt-oss-120b": ["prose and a call"],
  // llama.cpp does not find this form of calls.
  "upstage-Solar-Open-100B": ["one call", "two calls", "prose and a call", "prose"],
};

/** Whether prompts hold what is said beside calls: of other templates' models nobody writes it. */
const writesProse = (name: string) => findTemplate(templateSource(name)).proseBesideCalls !== false;

function formOf(
  name: string,
  opening: string,
  own: readonly ResolvedTool[] = tools as unknown as ResolvedTool[],
  toolChoice: ToolChoice = "auto",
) {
  const template = withReadableCalls(findTemplate(templateSource(name)), "", "");
  const choice = settleChoice("engine.chat", toolChoice, own);
  const request = { choice, parallel: true, answer: "", templateArguments: {}, bosToken: "", eosToken: "" };
  return callingTurn("engine.chat", template, { ...request, opening, prefill: "" });
}

interface Read {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string; value: unknown }[];
  begun: number;
  streamed: string[];
}

/** What a reader gives of a text that comes in these pieces. */
function read(form: ReturnType<typeof formOf>, pieces: readonly string[]): Read {
  const reader = new TurnReader(form.format, { before: form.before, required: form.required });
  const result: Read = { text: "", reasoning: "", calls: [], begun: 0, streamed: [] };
  const take = (segments: readonly Segment[]) => {
    for (const segment of segments) {
      if (segment.type !== "toolCall") result[segment.type] += segment.text;
      else if (segment.stage === "begin") result.begun++;
      else if (segment.stage === "arguments") {
        result.streamed[segment.call] = (result.streamed[segment.call] ?? "") + segment.text;
      } else {
        const { name, arguments: json, value } = segment;
        result.calls.push({ name, arguments: json, value });
      }
    }
  };
  for (const piece of pieces) take(reader.push(piece));
  take(reader.flush());
  return result;
}

const expected = (kind: Kind) => {
  const turn: { content: string; toolCalls?: { name: string; arguments: object }[] } = turns[kind];
  return {
    content: turn.content,
    calls: (turn.toolCalls ?? []).map(({ name, arguments: value }) => ({ name, value })),
  };
};

const cases = templateNames.flatMap((name) =>
  kinds
    .filter((kind) => !(unlike[name] ?? []).includes(kind))
    .filter((kind) => kind !== "prose and a call" || writesProse(name))
    .flatMap((kind) => {
      const turn = writtenTurn(name, kind);
      return turn === undefined ? [] : [{ name, kind, opening: turn.opening ?? "", text: turn.text }];
    }),
);

it("knows the form of nearly all templates with tools", () => {
  const own = templateNames.filter(
    (name) => !usesGenericForm(withReadableCalls(findTemplate(templateSource(name)), "", "")),
  );
  expect(own.length).toBeGreaterThanOrEqual(45);
  expect(cases.length).toBeGreaterThanOrEqual(225);
});

describe.each(cases)("$name, $kind", ({ name, kind, opening, text }) => {
  const { content, calls } = expected(kind);

  it("is read whole", () => {
    const result = read(formOf(name, opening), [text]);
    expect(result.text.trim()).toBe(content);
    expect(result.calls.map(({ name: tool, value }) => ({ name: tool, value }))).toEqual(calls);
  });

  it("is read in pieces, and cut anywhere no call is other than it would be", () => {
    const form = formOf(name, opening);
    const characters = [...text];
    const whole = read(form, [text]);
    const pieces = read(form, characters);
    expect({ ...pieces, streamed: [] }).toEqual({ ...whole, streamed: [] });
    expect(pieces.streamed).toEqual(pieces.calls.map((call) => call.arguments));
    for (let length = 0; length < characters.length; length += 3) {
      const cut = read(form, [characters.slice(0, length).join("")]);
      expect(cut.calls).toEqual(whole.calls.slice(0, cut.calls.length));
      // No half of a number is shown.
      for (const streamed of cut.streamed) expect(streamed).not.toMatch(/:\s*-?\d+\.?$/);
    }
  });
});

describe("the grammar", () => {
  const ends = new Map<number, (event: NativeEvent) => void>();
  let engine: NativeEngine;
  beforeAll(async () => {
    const load = addon.load(
      loadOptions({ modelPath: tinyModel({ ctx: 8192 }) }),
      (events) => {
        for (const event of events) if (event.type === "done" || event.type === "failed") ends.get(event.id)?.(event);
      },
      () => undefined,
    );
    engine = await load.engine;
  });
  afterAll(() => engine.close());

  /** Python's quotes are no part of what is asked for: the same as JSON. */
  const quotes = /LFM2\.5-8B/;

  it("allows what the templates write, and then the end of the turn", async () => {
    const refused: string[] = [];
    for (const { name, kind, opening, text } of cases) {
      if (quotes.test(name) && kind !== "prose") continue;
      const form = formOf(name, opening);
      const grammarOpening = form.opening + text;
      const prompt = [{ text: "bat", parseSpecial: false }];
      const { grammar } = form.format;
      const id = engine.submit(requestOf(prompt, { grammar, grammarOpening, nPredict: 1, ignoreEos: false }) as never);
      const end = await new Promise<NativeEvent>((resolve) => ends.set(id, resolve));
      if (end.type === "failed") refused.push(`${name}, ${kind}`);
    }
    expect(refused).toEqual([]);
  });

  it("refuses calls of tools that are not there, which no answer or call would follow", async () => {
    for (const call of [" to=browser.open<|channel|>commentary", "<|channel|>commentary to=functions.take_dose"]) {
      const form = formOf("openai-gpt-oss-120b", "<|start|>assistant");
      const changes = { grammar: form.format.grammar, grammarOpening: form.opening + call, nPredict: 1 };
      const id = engine.submit(requestOf([{ text: "bat", parseSpecial: false }], changes) as never);
      const end = await new Promise<NativeEvent>((resolve) => ends.set(id, resolve));
      expect(end).toMatchObject({ type: "failed", error: { code: "INVALID_ARGUMENT" } });
    }
  });

  it("refuses arguments that the schema does", async () => {
    const form = formOf("Qwen-Qwen2.5-7B-Instruct", "<|im_start|>assistant\n");
    const call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 10';
    const changes = { grammar: form.format.grammar, grammarOpening: form.opening + call, nPredict: 1 };
    const id = engine.submit(requestOf([{ text: "bat", parseSpecial: false }], changes) as never);
    const end = await new Promise<NativeEvent>((resolve) => ends.set(id, resolve));
    expect(end).toMatchObject({ type: "failed", error: { code: "INVALID_ARGUMENT" } });
  });
});

describe("calls that the grammar makes", () => {
  const ajv = new Ajv2020({ strict: false, logger: false });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);

  /** Dialects of their own, in which more is written than JSON and texts: of these there are more texts. */
  const dialects = /gemma-4|MiniMax-M3|Kimi-K3|muse-glimmer/;
  /** A call may leave out an argument that is required, or come before the end of the reasoning: then none is made. */
  const loses = /LFM2|DeepSeek-V3\.2/;
  const names = Object.keys(schemas);

  const withTools = templateNames.filter(
    (name) => writtenTurn(name, "one call") !== undefined && unlike[name]?.length !== 4,
  );

  /** Calls of a tool with these parameters as the grammar makes them, and what is wrong with them. */
  function randomCalls(name: string, parameters: JsonSchema, count: number, seed: number) {
    const wrong: string[] = [];
    let made = 0;
    const opening = writtenTurn(name, "one call")!.opening ?? "";
    const tool: ResolvedTool = { name: "make", description: undefined, parameters };
    let form;
    let whole: ReturnType<typeof formOf> | undefined;
    try {
      form = formOf(name, opening, [tool], "required");
    } catch (error) {
      return { made, wrong: [`${name}: ${(error as Error).message}`] };
    }
    const [texts] = randomAnswers([form.format.grammar], count, seed);
    const validate = ajv.compile(parameters);
    for (const turn of texts!) {
      // Texts of the grammar may begin otherwise than this prompt ends.
      const goesOn = turn.startsWith(form.opening);
      if (!goesOn && !dialects.test(name)) continue;
      const { calls, begun } = goesOn
        ? read(form, [turn.slice(form.opening.length)])
        : read((whole ??= formOf(name, "", [tool], "required")), [turn]);
      if ((calls.length === 0 || begun !== calls.length) && !loses.test(name)) {
        wrong.push(`${name}: no call in ${JSON.stringify(turn.slice(-300))}`);
      }
      for (const { value } of calls) {
        made++;
        if (!validate(value)) wrong.push(`${name}: ${ajv.errorsText(validate.errors)} ${JSON.stringify(value)}`);
      }
    }
    return { made, wrong };
  }

  it("satisfy random schemas, in every format", { timeout: 300_000 }, () => {
    const random = new SeededRandom(7);
    let made = 0;
    const few: string[] = [];
    const wrong: string[] = [];
    for (const name of withTools) {
      const rounds = dialects.test(name) ? 30 : 4;
      let own = 0;
      for (let round = 0; round < rounds; round++) {
        const properties: Record<string, JsonSchema> = {};
        const count = 1 + random.int(0, 2);
        while (Object.keys(properties).length < count) {
          const key = random.pick(names);
          const schema = schemas[key]!;
          if (!("$defs" in schema) && key !== "recursive") properties[`p${Object.keys(properties).length}`] = schema;
        }
        const required = Object.keys(properties).filter(() => random.int(0, 1) === 0);
        const parameters = { type: "object", properties, required, additionalProperties: false };
        const result = randomCalls(name, parameters, 12, 100 + round);
        own += result.made;
        wrong.push(...result.wrong);
      }
      made += own;
      if (dialects.test(name) && own < 250) few.push(`${name}: ${own}`);
    }
    expect(wrong).toEqual([]);
    expect(few).toEqual([]);
    expect(made).toBeGreaterThanOrEqual(1000);
  });

  it("satisfy schemas that refer to themselves, in dialects of lists and objects", () => {
    const text = { type: "string", maxLength: 3 };
    const node = {
      type: "object",
      properties: { text, leaf: { type: "null" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
      required: ["text"],
    };
    const parameters = {
      type: "object",
      properties: { b: { $ref: "#/$defs/node" }, A: { $ref: "#/$defs/deep" } },
      required: ["b", "A"],
      additionalProperties: false,
      $defs: { node, deep: { type: "object", properties: { in: { $ref: "#/$defs/deep" }, n: { enum: ["x", "y"] } } } },
    };
    for (const name of withTools.filter((each) => dialects.test(each))) {
      const { made, wrong } = randomCalls(name, parameters, 60, 5);
      expect(wrong).toEqual([]);
      expect(made).toBeGreaterThanOrEqual(60);
    }
  });

  it("cannot be made where a dialect's grammar would be too large, and the tool and the argument are named", () => {
    const parameters = { type: "object", properties: { note: { type: "string", maxLength: 2000 } } };
    const tool: ResolvedTool = { name: "make", description: undefined, parameters };
    const opening = writtenTurn("MiniMax-M3", "one call")!.opening ?? "";
    expect(() => formOf("MiniMax-M3", opening, [tool])).toThrow(/make.*note.*lower lengths/);
  });

  it("cannot be made where a dialect has no form for a name", () => {
    const parameters = { type: "object", properties: { "a:b": { type: "string" } } };
    const tool: ResolvedTool = { name: "make", description: undefined, parameters };
    const opening = writtenTurn("google-gemma-4-31B-it", "one call")!.opening ?? "";
    expect(() => formOf("google-gemma-4-31B-it", opening, [tool])).toThrow(/make.*"a:b".*rename it/);
    expect(() => formOf("Qwen-Qwen2.5-7B-Instruct", "<|im_start|>assistant\n", [tool])).not.toThrow();
  });
});
