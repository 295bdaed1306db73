/** Calls of tools as users of the public API see them: which may come, how they are told and end, and their way into a session. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ChatOptions, Engine, GenerationEvent, GenerationResult, MadeToolCall, Tool } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, errorOf, greedy, loadTiny, user } from "./support/engines.js";
import { templateSource } from "./support/written-turns.js";

const dose: Tool = {
  name: "get_dose",
  description: "The usual dose of a drug",
  parameters: {
    type: "object",
    properties: { drug: { type: "string", maxLength: 12 }, kg: { type: "integer", minimum: 1, maximum: 90 } },
    required: ["drug", "kg"],
    additionalProperties: false,
  },
};
const now: Tool = {
  name: "now",
  description: "The time",
  parameters: { type: "object", properties: {}, additionalProperties: false },
};
const tools = [dose, now];
const small = {
  type: "object",
  properties: { a: { type: "integer", minimum: 0, maximum: 99 } },
  required: ["a"],
  additionalProperties: false,
} as const;

const ajv = new Ajv2020();
const validators = new Map(tools.map(({ name, parameters }) => [name, ajv.compile(parameters!)]));

/** A whole call of one of the tools, with an id of its own. */
function expectWhole({ id, name, arguments: json, value }: MadeToolCall) {
  expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
  expect(JSON.parse(json)).toEqual(value);
  expect(validators.get(name)!(value)).toBe(true);
}

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ nCtx: 8192, nCtxPerRequest: 2048 });
});
afterAll(() => engine.close());

const base = { messages: user("Hello"), tools, sampling: greedy, nPredict: 400 };
const chat = (options: Partial<ChatOptions> = {}) => engine.chat({ ...base, ...options }).result;
const refusal = (options: Partial<ChatOptions>) => errorOf(chat(options));

describe("toolChoice", () => {
  it("auto leaves the model free, which the tiny one uses to speak", async () => {
    for (const options of [{}, { toolChoice: "auto" as const }, { toolChoice: { names: ["now"] } }]) {
      const { text, toolCalls, finishReason } = await chat({ ...options, nPredict: 8 });
      expect([toolCalls, finishReason]).toEqual([[], "length"]);
      expect(text).not.toBe("");
    }
  });

  it("none lets no call come, not even one that is begun", async () => {
    const messages = [...user("Hello"), { role: "assistant", content: '<tool_call>\n{"name": "now", "arguments": {' }];
    const options = { messages, continueFinalMessage: true, nPredict: 60 };
    const free = await chat(options);
    expect(free.toolCalls.map(({ name }) => name)).toEqual(["now"]);
    const held = await chat({ ...options, toolChoice: "none" });
    expect(held.toolCalls).toEqual([]);
    expect(held.text).not.toBe("");
  });

  it("required makes one at least, of any tool", async () => {
    const names = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      const sampling = { temperature: 2, seed };
      const result = await chat({ toolChoice: "required", parallelToolCalls: false, sampling });
      expect(result).toMatchObject({ finishReason: "toolCalls", text: "", parsed: undefined });
      expect(result.toolCalls).toHaveLength(1);
      result.toolCalls.forEach(expectWhole);
      names.add(result.toolCalls[0]!.name);
    }
    expect([...names].sort()).toEqual(["get_dose", "now"]);
  });

  it("of a name makes one call of that tool", async () => {
    for (const { name } of tools) {
      const { toolCalls, finishReason } = await chat({ toolChoice: { name } });
      expect([toolCalls.length, toolCalls[0]!.name, finishReason]).toEqual([1, name, "toolCalls"]);
      expectWhole(toolCalls[0]!);
    }
  });

  it("of names leaves the others out, and requires one of them where it says so", async () => {
    for (const name of ["get_dose", "now"]) {
      const toolChoice = { names: [name], required: true };
      for (let seed = 0; seed < 4; seed++) {
        const { toolCalls } = await chat({ toolChoice, parallelToolCalls: false, sampling: { temperature: 2, seed } });
        expect(toolCalls.map((call) => call.name)).toEqual([name]);
      }
    }
  });

  it.each([
    [{ toolChoice: "requird" as never }, /toolChoice must be one of "auto", "none", "required"/],
    [{ toolChoice: { name: "then" } }, /toolChoice\.name must name tools of the request: "then" is none of them/],
    [{ toolChoice: { names: ["now", "x"] } }, /toolChoice\.names must name tools of the request: "x"/],
    [{ toolChoice: { names: [] } }, /toolChoice\.names must name a tool/],
    [{ toolChoice: "required" as const, tools: [] }, /toolChoice has no effect without tools/],
    [{ toolChoice: { name: "now" }, tools: [] }, /toolChoice has no effect without tools/],
    [{ grammar: 'root ::= "a"' }, /grammar cannot stand beside tools that may be called/],
    [{ useChatTemplate: false }, /tools has no effect with useChatTemplate: false/],
  ])("refuses what cannot be: %o", async (options: Partial<ChatOptions>, message) => {
    expect(await refusal(options)).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) });
  });

  it("refuses a tool whose schema cannot be kept, by its name, unless it cannot be called", async () => {
    const parameters = { type: "object", properties: { a: { not: { type: "string" } } } } as const;
    const withBad = [now, { name: "bad", parameters }];
    const error = await refusal({ tools: withBad });
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "tools" }] });
    expect(error.message).toMatch(/^engine\.chat: tools hold "bad", whose .*#\/properties\/a: not cannot be kept/);
    for (const toolChoice of ["none", { name: "now" }] as const) {
      expect((await chat({ tools: withBad, toolChoice, nPredict: 2 })).finishReason).toBe("length");
    }
  });

  it("none lets a grammar stand beside tools", async () => {
    const { text } = await chat({ toolChoice: "none", grammar: 'root ::= "yes"' });
    expect(text).toBe("yes");
  });
});

describe("parallel calls", () => {
  it("have ids of their own, and are all whole", async () => {
    let most = 0;
    for (let seed = 0; seed < 4; seed++) {
      const { toolCalls } = await chat({ toolChoice: "required", sampling: { temperature: 2, seed }, nPredict: 300 });
      toolCalls.forEach(expectWhole);
      expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(toolCalls.length);
      most = Math.max(most, toolCalls.length);
    }
    expect(most).toBeGreaterThan(1);
  });
});

describe("events", () => {
  type Told = Extract<GenerationEvent, { type: "toolCall" }>;

  it("tell each call's begin, its arguments piece by piece, and its end", async () => {
    const generation = engine.chat({ ...base, toolChoice: "required", sampling: { temperature: 2, seed: 0 } });
    const events = await collect(generation);
    const { toolCalls } = await generation.result;
    const told = events.filter((event): event is Told => event.type === "toolCall");
    expect(toolCalls.length).toBeGreaterThan(1);
    for (const [call, made] of toolCalls.entries()) {
      const own = told.filter((event) => event.call === call);
      const [begin, ...rest] = own;
      const end = rest.pop();
      expect(begin).toEqual({ type: "toolCall", stage: "begin", call, id: made.id, name: made.name });
      expect(end).toEqual({ type: "toolCall", stage: "end", call, ...made });
      expect(rest.map((event) => (event.stage === "arguments" ? event.text : "!")).join("")).toBe(made.arguments);
      expect(told.indexOf(end!) - told.indexOf(begin!)).toBe(own.length - 1); // one call after the other
    }
  });

  it("do not change what a call is", async () => {
    const options = { ...base, toolChoice: { name: "get_dose" }, sampling: { temperature: 2, seed: 5 } };
    const quiet = await engine.chat(options).result;
    const generation = engine.chat(options);
    await collect(generation);
    const values = ({ toolCalls }: GenerationResult) => toolCalls.map(({ id: _id, ...call }) => call);
    expect(values(await generation.result)).toEqual(values(quiet));
  });
});

describe("a call that is cut off", () => {
  it("by nPredict is none, at any length", { timeout: 120_000 }, async () => {
    const options = { toolChoice: { name: "get_dose" }, sampling: { temperature: 2, seed: 1 } };
    const whole = await chat(options);
    expect(whole.finishReason).toBe("toolCalls");
    const { completionTokens } = whole.usage;
    const results = await Promise.all(
      Array.from({ length: completionTokens }, async (_, nPredict) => await chat({ ...options, nPredict })),
    );
    for (const [nPredict, { finishReason, toolCalls, text, usage }] of results.entries()) {
      expect([finishReason, text, usage.completionTokens]).toEqual(["length", "", nPredict]);
      if (toolCalls.length > 0) expect(toolCalls[0]!.arguments).toBe(whole.toolCalls[0]!.arguments);
    }
    // Of those, only what ends between the call's last brace and the end of its turn may be whole.
    const cut = results.filter(({ toolCalls }) => toolCalls.length === 0).length;
    expect(cut).toBeGreaterThan(completionTokens / 2);
  });

  it("by a stop inside of its arguments is none, and what was told of it has no end", async () => {
    const options = { ...base, toolChoice: { name: "get_dose" } };
    for (const stop of [{ stopStrings: ['"kg"'] }, { stopRegexes: [/"k\w+"/] }]) {
      const generation = engine.chat({ ...options, ...stop });
      const events = await collect(generation);
      const stages = events.flatMap((event) => (event.type === "toolCall" ? [event.stage] : []));
      expect(await generation.result).toMatchObject({ finishReason: "stop", stopString: '"kg"', toolCalls: [] });
      expect(stages).toContain("begin");
      expect(stages).not.toContain("end");
    }
  });

  it("by the time is none", async () => {
    const parameters = {
      type: "object",
      properties: { a: { type: "string", minLength: 4000 } },
      required: ["a"],
    } as const;
    const long = { tools: [{ name: "long", parameters }], toolChoice: { name: "long" }, nPredict: -1 };
    const result = await chat({ ...long, timeLimitMs: 150 });
    expect(result).toMatchObject({ finishReason: "time", toolCalls: [], text: "" });
  });
});

describe("several completions", () => {
  it("each have calls of their own", async () => {
    const sampling = { temperature: 2, seed: 1 };
    const generation = engine.chat({ ...base, toolChoice: { name: "get_dose" }, sampling, n: 2 });
    const events = await collect(generation);
    const { choices = [], toolCalls } = await generation.result;
    expect(choices.map(({ finishReason }) => finishReason)).toEqual(["toolCalls", "toolCalls"]);
    choices.forEach((choice) => expectWhole(choice.toolCalls[0]!));
    expect(toolCalls).toEqual(choices[0]!.toolCalls);
    expect(choices[0]!.toolCalls[0]!.id).not.toBe(choices[1]!.toolCalls[0]!.id);
    for (const index of [0, 1]) {
      const ends = events.filter((e) => e.type === "toolCall" && e.stage === "end" && e.index === index);
      expect(ends).toMatchObject([{ id: choices[index]!.toolCalls[0]!.id, call: 0 }]);
    }
  });

  it("of which the best are kept have them, too", async () => {
    const sampling = { temperature: 2, seed: 1 };
    const result = await chat({ toolChoice: { name: "now" }, sampling, bestOf: 3 });
    expect(result).toMatchObject({ finishReason: "toolCalls", meanLogprob: expect.any(Number) });
    result.toolCalls.forEach(expectWhole);
  });
});

describe("jsonSchema beside tools", () => {
  it("makes an answer JSON or a call", async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      const sampling = { temperature: 2, seed };
      const result = await chat({ jsonSchema: small, parallelToolCalls: false, sampling });
      seen.add(result.finishReason);
      if (result.finishReason === "eos") {
        expect(JSON.parse(result.text)).toEqual(result.parsed);
        expect(result.parsed).toEqual({ a: expect.any(Number) });
        expect(result.toolCalls).toEqual([]);
      } else {
        expect(result).toMatchObject({ finishReason: "toolCalls", text: "", parsed: undefined });
        result.toolCalls.forEach(expectWhole);
      }
    }
    expect([...seen].sort()).toEqual(["eos", "toolCalls"]);
  });

  it("makes it a call where one is required, and JSON where none may come", async () => {
    const called = await chat({ jsonSchema: small, toolChoice: { name: "now" } });
    expect(called).toMatchObject({ finishReason: "toolCalls", parsed: undefined });
    const answered = await chat({ jsonSchema: small, toolChoice: "none" });
    expect(answered).toMatchObject({ finishReason: "eos", toolCalls: [], parsed: { a: expect.any(Number) } });
  });
});

describe("reasoning", () => {
  const tags = { open: "<t>", close: "</t>", startsOpen: true };
  const sampling = greedy;
  const tokensOf = (text: string) => engine.tokenize(text).length;

  it.each([0, 1, 3])("ends after thinkingBudget: %i tokens, and the answer follows", async (thinkingBudget) => {
    const options = { thinkingBudget, thinkingTags: tags, sampling, ignoreEos: true, nPredict: 30 };
    for (const make of [
      () => engine.chat({ messages: user("Hello"), ...options }),
      () => engine.complete({ prompt: "USER: Hello\nASSISTANT:", ...options }),
    ]) {
      const free = await make().result;
      const events = await collect(make());
      expect(tokensOf(free.reasoning)).toBeLessThanOrEqual(thinkingBudget);
      expect(free.reasoning === "").toBe(thinkingBudget === 0);
      expect(free.text).not.toBe("");
      expect(free.text).not.toContain("</t>");
      // The closing tag is a part of what is generated.
      expect(free.usage.completionTokens).toBe(30);
      const joined = (type: string) =>
        events.map((event) => (event.type === type ? (event as { text: string }).text : "")).join("");
      expect([joined("reasoning"), joined("text")]).toEqual([free.reasoning, free.text]);
    }
  });

  it.each([0, 1, 3])("ends after thinkingBudget: %i tokens before a form or a call", async (thinkingBudget) => {
    const options = { messages: user("Hello"), thinkingBudget, thinkingTags: tags, sampling, nPredict: 400 };
    const json = await engine.chat({ ...options, jsonSchema: small }).result;
    expect(json).toMatchObject({ finishReason: "eos", parsed: { a: expect.any(Number) } });
    const called = await engine.chat({ ...options, tools, toolChoice: { name: "now" } }).result;
    expect(called).toMatchObject({ finishReason: "toolCalls", text: "" });
    called.toolCalls.forEach(expectWhole);
    for (const { reasoning } of [json, called]) expect(reasoning === "").toBe(thinkingBudget === 0);
  });

  it("is free without one, also beside tools", async () => {
    for (const toolChoice of ["auto", { name: "now" }] as const) {
      const { text, reasoning, toolCalls } = await chat({ toolChoice, thinkingTags: tags, nPredict: 20 });
      expect([text, toolCalls]).toEqual(["", []]);
      expect(tokensOf(reasoning)).toBeGreaterThan(10);
    }
  });

  it("is not limited where nobody knows what it is", async () => {
    for (const thinkingTags of [undefined, false] as const) {
      const options = thinkingTags === undefined ? {} : { thinkingTags };
      for (const make of [
        () => engine.chat({ messages: user("?"), thinkingBudget: 3, ...options }),
        () => engine.complete({ prompt: "?", thinkingBudget: 3, ...options }),
      ]) {
        const error = await errorOf(make().result);
        expect(error).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringMatching(/thinkingBudget needs/),
        });
      }
    }
  });

  // These open a block of reasoning in the prompt, which the tiny model does not close.
  it.each(["Qwen3.5-4B", "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"])("is what the template says: %s", async (name) => {
    const options = { messages: user("Hello"), chatTemplate: templateSource(name), sampling, ignoreEos: true };
    const found = await engine.chat({ ...options, nPredict: 20, cacheSalt: `${name} found` }).result;
    expect(found.text).toBe("");
    const raw = await engine.chat({ ...options, nPredict: 20, cacheSalt: `${name} raw`, thinkingTags: false }).result;
    expect([raw.reasoning, raw.text.trim()]).toEqual(["", found.reasoning.trim()]);
    const limited = await engine.chat({ ...options, nPredict: 30, thinkingBudget: 3 }).result;
    expect(tokensOf(` ${limited.reasoning}`)).toBe(3);
    expect(limited.text).not.toBe("");
    const call = { tools, toolChoice: { name: "now" }, thinkingBudget: 3, nPredict: 400, ignoreEos: false };
    const called = await engine.chat({ ...options, ...call }).result;
    expect(called.finishReason).toBe("toolCalls");
    expect(called.reasoning).not.toBe("");
    called.toolCalls.forEach(expectWhole);
  });

  it.each(["Qwen-Qwen3-0.6B", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "GLM-4.6", "MiniMax-M2"])(
    "is found where it is begun for the model: %s",
    async (name) => {
      const messages = [...user("Hello"), { role: "assistant", content: "<think>I am" }];
      const options = { messages, continueFinalMessage: true, chatTemplate: templateSource(name), sampling };
      const rest = { ignoreEos: true, nPredict: 24 };
      // Both read the whole prompt: this text is full of ties, and the last digits hang on how much of it was there.
      const open = await engine.chat({ ...options, ...rest, cacheSalt: `${name} open` }).result;
      expect(open.text).toBe("");
      const raw = await engine.chat({ ...options, ...rest, cacheSalt: `${name} raw`, thinkingTags: false }).result;
      expect([raw.reasoning, raw.text.trim()]).toEqual(["", open.reasoning.trim()]);
      const limited = await engine.chat({ ...options, ...rest, thinkingBudget: 2 }).result;
      expect(tokensOf(` ${limited.reasoning}`)).toBe(2);
      expect(limited.text).not.toBe("");
      const json = await engine.chat({ ...options, thinkingBudget: 2, jsonSchema: small, nPredict: 200 }).result;
      expect(json.parsed).toEqual({ a: expect.any(Number) });
      expect(JSON.parse(json.text)).toEqual(json.parsed);
    },
  );
});

it("a tag that the template writes no reasoning between is text, and closed by nobody", async () => {
  const messages = [...user("Hello"), { role: "assistant", content: "<think>I am" }];
  for (const name of ["Qwen3.5-4B", "Kimi-K2-Thinking"]) {
    const options = { messages, continueFinalMessage: true, chatTemplate: templateSource(name), sampling: greedy };
    const { text, reasoning } = await engine.chat({ ...options, thinkingBudget: 2, ignoreEos: true, nPredict: 20 })
      .result;
    expect(reasoning).toBe("");
    expect(text).not.toContain("</think>");
    expect(text).not.toBe("");
  }
});

describe("continueFinalMessage", () => {
  const begun = (content: string) => [...user("Hello"), { role: "assistant", content }];
  const go = (content: string, options: Partial<ChatOptions> = {}) =>
    chat({ tools: [], ...options, messages: begun(content), continueFinalMessage: true });

  it("goes on behind what is there", async () => {
    const plain = await go("The answer is", { nPredict: 4, ignoreEos: true });
    expect(plain.text).not.toBe("");
    const beside = await go("The answer is", { tools, nPredict: 4, ignoreEos: true });
    expect(beside).toMatchObject({ finishReason: "length", toolCalls: [] });
    expect(beside.text).not.toContain("The answer");
  });

  it.each([undefined, "chatml", templateSource("Qwen-Qwen2.5-7B-Instruct"), templateSource("Qwen-Qwen3-0.6B")])(
    "makes JSON of what is there and what follows (template %#)",
    async (chatTemplate) => {
      for (const own of [[], tools]) {
        for (const prefill of ['{"a":', '{"a": 1', "{"]) {
          const options = { tools: own, jsonSchema: small, ...(chatTemplate === undefined ? {} : { chatTemplate }) };
          const { text, parsed, finishReason } = await go(prefill, options);
          expect(finishReason).toBe("eos");
          expect(JSON.parse(prefill + text)).toEqual(parsed);
          expect(parsed).toEqual({ a: expect.any(Number) });
        }
      }
    },
  );

  it("makes a call of one that is begun", async () => {
    const { toolCalls } = await go('Well.\n<tool_call>\n{"name": "get_dose", "arguments": {"drug": "as', { tools });
    expect(toolCalls[0]).toMatchObject({ name: "get_dose", value: { drug: expect.stringMatching(/^as/) } });
    toolCalls.forEach(expectWhole);
  });

  it("refuses a call of no tool that is begun, and blames no template", async () => {
    for (const chatTemplate of ["chatml", templateSource("Qwen-Qwen2.5-7B-Instruct")]) {
      const error = await errorOf(go('<tool_call>\n{"name": "none', { tools, chatTemplate }));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "messages" }] });
      expect(error.message).toMatch(/beginning of a call that none of the tools can have/);
    }
  });

  it("refuses what the form does not begin with", async () => {
    for (const own of [[], tools]) {
      const error = await errorOf(go('{"b":', { tools: own, jsonSchema: small, toolChoice: "none" }));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/does not allow/) });
    }
  });

  it("goes on with reasoning that is begun, and not with one that is over", async () => {
    const thinkingTags = { open: "<t>", close: "</t>" };
    const options = { thinkingTags, jsonSchema: small };
    const open = await go("<t>I", { ...options, thinkingBudget: 2 });
    expect(open.reasoning).not.toBe("");
    expect(open.parsed).toEqual({ a: expect.any(Number) });
    const over = await go('<t>I am.</t>{"a":', options);
    expect(over.reasoning).toBe("");
    expect(JSON.parse('{"a":' + over.text)).toEqual(over.parsed);
  });
});

describe("sessions", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "tools-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  const rest = { sampling: greedy, nPredict: 6, ignoreEos: true };

  it("take a call, its result and the next question", async () => {
    using session = engine.session({ tools });
    const first = await session.chat({
      content: "Hi",
      toolChoice: { name: "get_dose" },
      nPredict: 400,
      sampling: greedy,
    }).result;
    expect(first.finishReason).toBe("toolCalls");
    const { id, name, arguments: json } = first.toolCalls[0]!;
    const call = { id, name, arguments: json };
    expect(session.messages.at(-1)).toEqual({ role: "assistant", content: "", toolCalls: [call] });

    for (const [given, message] of [
      [{}, /content is needed, unless toolResults/],
      [{ toolResults: [] }, /content is needed, unless toolResults/],
      [{ content: "And?" }, new RegExp(`must be the result of a call before it: "${call.id}" has none`)],
      [{ toolResults: [{ toolCallId: "x", content: "1" }] }, /names no call .*: "x" is not among/],
    ] as const) {
      const error = await errorOf(session.chat({ ...given, ...rest }).result);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) });
    }
    expect(session.messages).toHaveLength(2);

    const file = path.join(directory, "session");
    await session.save(file);
    using fork = await session.fork();
    using restored = await engine.restoreSession(file);
    const toolResults = [{ toolCallId: call.id, content: '{"mg": 200}' }];
    const answers = [];
    for (const each of [session, fork, restored]) {
      const { text, usage, finishReason } = await each.chat({ toolResults, ...rest }).result;
      expect([finishReason, usage.cachedTokens > 0]).toEqual(["length", true]);
      expect(each.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
      answers.push(text);
    }
    const whole = await engine.chat({ messages: session.messages.slice(0, -1), tools, ...rest, cacheSalt: "x" }).result;
    expect(answers).toEqual([whole.text, whole.text, whole.text]);
    // The tools are the session's own, in the file as well.
    const again = await restored.chat({
      content: "Again",
      toolChoice: { name: "now" },
      nPredict: 400,
      sampling: greedy,
    }).result;
    again.toolCalls.forEach(expectWhole);
    expect(again.finishReason).toBe("toolCalls");
  });

  it("take a result together with more to say", async () => {
    using session = engine.session({ tools });
    const { toolCalls } = await session.chat({ content: "Hi", toolChoice: { name: "now" }, nPredict: 400 }).result;
    const toolResults = toolCalls.map(({ id }) => ({ toolCallId: id, content: "12:00" }));
    await session.chat({ content: "And now?", toolResults, ...rest }).result;
    expect(session.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user", "assistant"]);
  });

  it("forget a call that was cut off, and go on", async () => {
    using session = engine.session({ tools });
    const cut = await session.chat({ content: "Hi", toolChoice: { name: "get_dose" }, nPredict: 30 }).result;
    expect(cut).toMatchObject({ finishReason: "length", toolCalls: [] });
    await session.chat({ content: "And?", ...rest }).result;
    expect(session.messages).toHaveLength(4);
  });
});

describe("annotate", () => {
  it("gives each row its calls", async () => {
    const rows = [{ prompt: "mik" }, { prompt: "mak" }, { prompt: "" as never }];
    const options = { tools, toolChoice: { name: "get_dose" }, nPredict: 400, sampling: greedy };
    const [first, second, failed] = await collect(engine.annotate(rows, options));
    for (const row of [first!, second!]) {
      expect(row).toMatchObject({ finishReason: "toolCalls", text: "" });
      expect(row.toolCalls).toHaveLength(1);
      row.toolCalls.forEach(expectWhole);
    }
    expect(failed).toMatchObject({ error: { code: "INVALID_ARGUMENT" }, toolCalls: [] });
  });
});
