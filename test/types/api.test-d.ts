import { describe, expectTypeOf, it } from "vitest";
import {
  devices,
  Engine,
  MedInferError,
  registerChatTemplate,
  renderChat,
  type AnnotateResult,
  type ChatOptions,
  type Device,
  type ErrorCode,
  type Generation,
  type GenerationEvent,
  type GenerationResult,
  type ImageEmbedding,
  type LoadOptions,
  type Sampling,
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

  it("write automatic choices as words", () => {
    expectTypeOf<LoadOptions["nGpuLayers"]>().toEqualTypeOf<"auto" | number | undefined>();
    expectTypeOf<LoadOptions["mmproj"]>().toEqualTypeOf<string | URL | null | undefined>();
  });
});

describe("Generation", () => {
  it("is a stream of events told apart by their type, and a result", () => {
    expectTypeOf<Generation>().toExtend<AsyncIterable<GenerationEvent>>();
    expectTypeOf<Generation["result"]>().resolves.toEqualTypeOf<GenerationResult>();
    expectTypeOf<GenerationEvent["type"]>().toEqualTypeOf<
      "queued" | "encode" | "prefill" | "text" | "logprobs" | "done"
    >();
    const of = <T extends GenerationEvent["type"]>(_type: T) =>
      undefined as unknown as Extract<GenerationEvent, { type: T }>;
    expectTypeOf(of("text").text).toEqualTypeOf<string>();
    expectTypeOf(of("prefill").total).toEqualTypeOf<number>();
    expectTypeOf(of("done").timings).toEqualTypeOf<Timings>();
    // @ts-expect-error only text events hold a piece of text… and done the whole
    void of("queued").text;
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
    }>();
    registerChatTemplate("a", "{{ messages }}");
    registerChatTemplate("b", (messages, { bosToken }) => bosToken + messages.length);
    // @ts-expect-error a template is text or a function
    registerChatTemplate("c", 5);
  });
});
