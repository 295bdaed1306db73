import { describe, expectTypeOf, it } from "vitest";
import {
  devices,
  Engine,
  jsonSchemaToGrammar,
  MedInferError,
  registerChatTemplate,
  registerModelAdapter,
  renderChat,
  type AnnotateResult,
  type ChatMessage,
  type ChatOptions,
  type Device,
  type ErrorCode,
  type FromSchema,
  type FunctionTool,
  type Generation,
  type GenerationEvent,
  type GenerationResult,
  type OnContextFull,
  type ReasoningEffort,
  type ImageEmbedding,
  type JsonSchema,
  type LoadOptions,
  type Sampling,
  type Session,
  type TemplateArguments,
  type Tool,
  type ToolCall,
  type ThinkingTags,
  type Timings,
} from "medinfer";

declare const engine: Engine;

describe("Engine", () => {
  it("is loaded, not made", () => {
    expectTypeOf(Engine.load).returns.resolves.toEqualTypeOf<Engine>();
    expectTypeOf(Engine.load).parameter(0).toEqualTypeOf<LoadOptions | undefined>();
    // @ts-expect-error the constructor is private
    new Engine();
  });

  it("can be used with `await using`", () => {
    expectTypeOf<Engine>().toExtend<AsyncDisposable>();
  });

  it("gives what its methods say", () => {
    expectTypeOf(engine.chat).returns.toEqualTypeOf<Generation>();
    expectTypeOf(engine.complete).returns.toEqualTypeOf<Generation>();
    expectTypeOf(engine.tokenize("x")).toEqualTypeOf<Int32Array>();
    expectTypeOf(engine.detokenize([1])).toEqualTypeOf<string>();
    expectTypeOf(engine.embedImage).returns.resolves.toEqualTypeOf<ImageEmbedding>();
    expectTypeOf(engine.close).returns.resolves.toEqualTypeOf<void>();
    expectTypeOf(devices).returns.toEqualTypeOf<Device[]>();
    expectTypeOf(engine.info.vision).toEqualTypeOf<boolean>();
  });
});

describe("options", () => {
  it("take images and text in messages", () => {
    expectTypeOf({
      messages: [
        { role: "system", content: "x" },
        {
          role: "user",
          content: [
            { type: "text" as const, text: "x" },
            { type: "image" as const, image: new Uint8Array() },
            { type: "image" as const, image: new URL("file:///x"), id: "1" },
            { type: "image" as const, image: "path.png" },
          ],
        },
      ],
    }).toExtend<ChatOptions>();
  });

  it("refuse what is unknown or not implemented", () => {
    // @ts-expect-error sampling parameters stand in `sampling`
    engine.chat({ messages: [], temperature: 0 });
    // @ts-expect-error nothing is dropped from a full context
    engine.chat({ messages: [], nKeep: 5 });
    // @ts-expect-error a prompt is for complete()
    engine.chat({ prompt: "x" });
    // @ts-expect-error messages are for chat()
    engine.complete({ messages: [] });
    // @ts-expect-error no such sampler
    expectTypeOf<{ samplers: ["TOP_Q"] }>().toExtend<Sampling>();
    expectTypeOf<{ tfsZ: 0.9; tokenIdBias: { 5: 1; 6: false }; samplers: ["TOP_K", "TFS_Z"] }>().toExtend<Sampling>();
    // @ts-expect-error there is no such option
    void Engine.load({ pageSize: 32 });
  });

  it("take stop regexes and thinking tags", () => {
    const messages = [{ role: "user", content: "x" }];
    engine.chat({ messages, stopRegexes: [/\nUser:/, "a+"], thinkingTags: { open: "<t>", close: "</t>" } });
    engine.complete({ prompt: "x", thinkingTags: false });
    expectTypeOf<ChatOptions["thinkingTags"]>().toEqualTypeOf<ThinkingTags | false | undefined>();
    // @ts-expect-error a stop is a regular expression or its text
    engine.chat({ messages, stopRegexes: [5] });
    // @ts-expect-error both tags are needed
    engine.chat({ messages, thinkingTags: { open: "<t>" } });
    // @ts-expect-error there is no default pair of tags
    engine.chat({ messages, thinkingTags: true });
  });

  it("write automatic choices as words", () => {
    expectTypeOf<LoadOptions["nGpuLayers"]>().toEqualTypeOf<"auto" | number | undefined>();
    expectTypeOf<LoadOptions["mmproj"]>().toEqualTypeOf<string | URL | null | undefined>();
  });
});

describe("Generation", () => {
  it("is a stream of events distinguished by their type, and a result", () => {
    expectTypeOf<Generation>().toExtend<AsyncIterable<GenerationEvent>>();
    expectTypeOf<Generation["result"]>().resolves.toEqualTypeOf<GenerationResult>();
    expectTypeOf<GenerationEvent["type"]>().toEqualTypeOf<
      | "queued"
      | "encode"
      | "prefill"
      | "promptLogprobs"
      | "reasoning"
      | "text"
      | "toolCall"
      | "logprobs"
      | "choice"
      | "done"
    >();
    const of = <T extends GenerationEvent["type"]>(_type: T) =>
      undefined as unknown as Extract<GenerationEvent, { type: T }>;
    expectTypeOf(of("text").text).toEqualTypeOf<string>();
    expectTypeOf(of("reasoning").text).toEqualTypeOf<string>();
    expectTypeOf(of("done").reasoning).toEqualTypeOf<string>();
    expectTypeOf(of("prefill").total).toEqualTypeOf<number>();
    expectTypeOf(of("done").timings).toEqualTypeOf<Timings>();
    expectTypeOf(of("text").index).toEqualTypeOf<number | undefined>();
    expectTypeOf(of("choice").index).toEqualTypeOf<number>();
    expectTypeOf(of("done").choices).toEqualTypeOf<GenerationResult[] | undefined>();
    // @ts-expect-error only text events hold a piece of text… and done the whole
    void of("queued").text;
  });
});

describe("Session", () => {
  it("is typed as a chat is, and can be used with `using`", () => {
    expectTypeOf<Session>().toExtend<Disposable>();
    const session = engine.session({ system: "s" });
    expectTypeOf(session.fork()).resolves.toEqualTypeOf<Session>();
    expectTypeOf(engine.restoreSession("file")).resolves.toEqualTypeOf<Session>();
    expectTypeOf(session.chat("Hello")).toExtend<Generation>();
    const jsonSchema = { type: "object", properties: { a: { type: "number" } }, required: ["a"] } as const;
    const { result } = session.chat({ content: "Hello", jsonSchema });
    expectTypeOf(result).resolves.toHaveProperty("parsed");
    void result.then(({ parsed }) => expectTypeOf(parsed!.a).toEqualTypeOf<number>());
    engine.session({ onContextFull: "dropOldestTurns" }).chat({ content: "Hello", onContextFull: "stop" });
    engine.chat({ messages: [], onContextFull: "dropOldestTurns" });
    expectTypeOf<GenerationResult["droppedTurns"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<OnContextFull>().toEqualTypeOf<"stop" | "dropOldestTurns">();
    // @ts-expect-error a text has no turns
    engine.complete({ prompt: "Hello", onContextFull: "stop" });
    // @ts-expect-error a session goes on from one answer
    session.chat({ content: "Hello", n: 2 });
    // @ts-expect-error the salt is the session's
    session.chat({ content: "Hello", cacheSalt: "" });
  });
});

describe("jsonSchema", () => {
  const schema = {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: ["integer", "null"] },
      sex: { enum: ["f", "m"] },
      codes: { type: "array", items: { anyOf: [{ type: "string" }, { const: 0 }] } },
    },
    required: ["name", "sex"],
  } as const;
  interface Patient {
    name: string;
    sex: "f" | "m";
    age?: number | null;
    codes?: (string | 0)[];
  }

  it("types what is parsed", () => {
    expectTypeOf<FromSchema<typeof schema>>().toEqualTypeOf<Patient>();
    const { result } = engine.chat({ messages: [], jsonSchema: schema });
    expectTypeOf(result).resolves.toHaveProperty("parsed").toEqualTypeOf<Patient | undefined>();
    const inline = engine.complete({ prompt: "x", jsonSchema: { type: "array", items: { type: "boolean" } } });
    expectTypeOf(inline).toEqualTypeOf<Generation<boolean[]>>();
    expectTypeOf(engine.annotate([{ prompt: "x" }], { jsonSchema: schema })).toExtend<
      AsyncIterable<{ parsed: Patient | undefined }>
    >();
  });

  it("leaves it unknown where the schema is", () => {
    expectTypeOf(engine.chat({ messages: [] })).toEqualTypeOf<Generation>();
    expectTypeOf(jsonSchemaToGrammar).parameter(0).toEqualTypeOf<JsonSchema>();
    // @ts-expect-error a grammar is text
    engine.chat({ messages: [], grammar: 5 });
  });
});

describe("annotate", () => {
  it("gives rows back as they were given", () => {
    const results = engine.annotate([{ id: 1, image: "x.png", ward: "A" }]);
    expectTypeOf(results).toExtend<AsyncIterable<AnnotateResult<{ id: number; image: string; ward: string }>>>();
    engine.annotate(new Set([{ prompt: "x" }]), { onError: "throw", concurrency: 2 });
    // @ts-expect-error an image is bytes, a path or a URL
    engine.annotate([{ image: 5 }]);
    // @ts-expect-error neither of the two words
    engine.annotate([], { onError: "ignore" });
  });
});

describe("errors", () => {
  it("have a code of a known set", () => {
    const error = new MedInferError("CLOSED", "x");
    expectTypeOf(error).toExtend<Error>();
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
    expectTypeOf<"QUEUE_FULL">().toExtend<ErrorCode>();
    // @ts-expect-error no such code
    new MedInferError("NOPE", "x");
  });
});

describe("chat templates", () => {
  it("work without an engine", () => {
    expectTypeOf(renderChat("vicuna", [{ role: "user", content: "x" }])).toEqualTypeOf<{
      prompt: string;
      stopStrings: string[];
      prefill?: string;
    }>();
    registerChatTemplate("a", "{{ messages }}");
    registerChatTemplate("b", (messages, { bosToken }) => bosToken + messages.length);
    registerChatTemplate("c", "{{ messages }}", { stopStrings: ["x"], roles: ["user"], images: "before-text" });
    // @ts-expect-error a template is text or a function
    registerChatTemplate("d", 5);
    // @ts-expect-error there is no such place
    registerChatTemplate("e", "{{ messages }}", { images: "after-text" });
  });

  it("take tools, calls and results", () => {
    const messages: ChatMessage[] = [
      { role: "user", content: "x" },
      { role: "assistant", content: null, reasoning: "y", toolCalls: [{ id: "a", name: "look", arguments: { z: 1 } }] },
      { role: "tool", toolCallId: "a", content: [{ type: "text", text: "r" }] },
      { role: "assistant", toolCalls: [{ id: "b", name: "look", arguments: "{}" }] },
    ];
    const tools = [{ name: "look", parameters: { type: "object" } }] as const;
    const wrapped = [{ type: "function", function: { name: "look", strict: true } }] as const;
    engine.chat({ messages, tools, reasoningEffort: "low", continueFinalMessage: false });
    engine.annotate([{ prompt: "x" }], { tools: wrapped, reasoningEffort: "as the template says" });
    engine.session({ tools });
    expectTypeOf(engine.applyChatTemplate(messages, { tools }).prefill).toEqualTypeOf<string | undefined>();
    registerChatTemplate("g", (turns, context) => turns[0]!.content + context.tools.length, { tools: "own" });
    expectTypeOf<Tool["name"]>().toEqualTypeOf<string>();
    expectTypeOf<ToolCall["arguments"]>().toEqualTypeOf<string | object>();
    expectTypeOf<"none">().toExtend<ReasoningEffort>();
    expectTypeOf<(typeof wrapped)[0]>().toExtend<FunctionTool>();
    // @ts-expect-error arguments are an object
    engine.chat({ messages: [{ role: "assistant", toolCalls: [{ id: "a", name: "look", arguments: 5 }] }] });
    // @ts-expect-error a tool has a name
    engine.chat({ messages, tools: [{ description: "x" }] });
  });

  it("take values of their own variables", () => {
    const messages = [{ role: "user", content: "x" }];
    const templateArguments = { enable_thinking: false, reasoning_effort: "low", budget: 5 } as const;
    expectTypeOf<ChatOptions["templateArguments"]>().toEqualTypeOf<TemplateArguments | undefined>();
    engine.chat({ messages, templateArguments });
    engine.annotate([{ prompt: "x" }], { templateArguments });
    engine.applyChatTemplate(messages, { templateArguments });
    renderChat("{{ messages }}", messages, { templateArguments });
    registerChatTemplate("f", (_messages, context) => String(context.templateArguments.enable_thinking));
    // @ts-expect-error a text, a number or a switch
    engine.chat({ messages, templateArguments: { tools: [] } });
    // @ts-expect-error there is no template in complete()
    engine.complete({ prompt: "x", templateArguments });
  });

  it("are chosen for models by adapters", () => {
    registerModelAdapter({ name: "a", matches: /x/ });
    registerModelAdapter({
      name: "b",
      matches: ({ path, name, description, chatTemplate }) => [path, name, description, chatTemplate].includes("x"),
      chatTemplate: "chatml",
      stopStrings: ["x"],
      specialTokens: { pad: "eos" },
    });
    // @ts-expect-error a pattern or a function
    registerModelAdapter({ name: "c", matches: "x" });
  });
});
