import { beforeEach, describe, expect, it, vi } from "vitest";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { Engine } from "../../lib/engine.js";
import { samplingSchema, toNativeSampling } from "../../lib/sampling/schema.js";
import { parse } from "../../lib/validation/parse.js";
import { rejection, settle, thrown } from "./support/collect.js";
import { nativeError, nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";
import { usePicture } from "./support/picture.js";
import type { FakeImage } from "./support/read-image.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const { folder, picture } = usePicture();
let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

const user = (content: string) => [{ role: "user", content }];

describe("engine.chat", () => {
  it("sends the seed's call as the addon takes it", async () => {
    const engine = await Engine.load();
    engine.chat({
      messages: [{ role: "system", content: "S" }, ...user("Extract")],
      images: [new Uint8Array([7])],
      chatTemplate: "vicuna",
      stopStrings: ["</s>", "User:", "User:"],
      sampling: { temperature: 0.05, repeatLastN: 256, repeatPenalty: 1.18, seed: 5, tfsZ: 1 },
      nPredict: 10,
      ignoreEos: true,
      priority: 3,
    });
    expect(addon.engine.requests.get(1)).toEqual({
      prompt: [
        { text: "S\n\nUSER: ", parseSpecial: true },
        { image: new Uint8Array([7]), minTokens: 0, maxTokens: 0 },
        { text: "\nExtract\nASSISTANT:", parseSpecial: true },
      ],
      addSpecial: true,
      sampling: toNativeSampling(
        parse(samplingSchema, { temperature: 0.05, repeatLastN: 256, repeatPenalty: 1.18, seed: 5 }, "sampling"),
      ),
      stopStrings: ["</s>", "User:"],
      grammar: "",
      grammarOpening: "",
      closeAtLimit: false,
      reasoning: null,
      reasoningLimit: null,
      controlTexts: ["</s>"],
      nPredict: 10,
      ignoreEos: true,
      minTokens: 0,
      maxDraftTokens: 16,
      expectedText: "",
      stopTokens: new Int32Array(),
      adapters: [],
      n: 1,
      base: 0,
      keep: false,
      sumLogprobs: false,
      nProbs: 0,
      promptProbs: null,
      candidates: [],
      cacheSalt: "",
      priority: 3,
      streamed: false,
    });
  });

  it("streams what the addon emits", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q") });
    addon.engine.emit(1, nativeEvent.text("A"));
    addon.engine.emit(1, nativeEvent.done("stop"));
    expect(await generation.result).toMatchObject({ text: "A", finishReason: "stop", stopString: "###" });
  });

  it("looks for stop regexes itself, beside the stop strings, and has the engine end the request", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q"), stopRegexes: [/\n#+/, "x+"], stopStrings: ["##"] });
    expect(addon.engine.requests.get(1)).toMatchObject({ stopStrings: [], streamed: true });
    addon.engine.emit(1, nativeEvent.text("A\n"), nativeEvent.text("##"));
    expect(addon.engine.calls).toEqual(["finish 1"]);
    addon.engine.emit(1, nativeEvent.done("stop"));
    expect(await generation.result).toMatchObject({ text: "A", finishReason: "stop", stopString: "\n#" });
    // Strings alone stay with the engine, which nobody has to wake up.
    engine.chat({ messages: user("Q"), stopRegexes: [], stopStrings: ["##"] });
    expect(addon.engine.requests.get(2)).toMatchObject({ stopStrings: ["##"], streamed: false });
  });

  it("survives an engine that is closed at the moment of a match", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q"), stopRegexes: [/#/] });
    await engine.close();
    addon.engine.emit(1, nativeEvent.text("A#"), nativeEvent.failed("CLOSED"));
    expect(await rejection(generation.result)).toMatchObject({ code: "CLOSED" });
  });

  it("separates reasoning where thinking tags are given", async () => {
    const engine = await Engine.load();
    const answer = async (thinkingTags: { open: string; close: string; startsOpen?: boolean } | false | undefined) => {
      const { result } = engine.chat({ messages: user("Q"), thinkingTags });
      addon.engine.emit(addon.engine.lastId, nativeEvent.text("a</t>\nb"), nativeEvent.done());
      const { text, reasoning } = await result;
      return [reasoning, text];
    };
    expect(await answer({ open: "<t>", close: "</t>", startsOpen: true })).toEqual(["a", "b"]);
    expect(await answer({ open: "<t>", close: "</t>" })).toEqual(["", "a</t>\nb"]);
    expect(await answer(false)).toEqual(["", "a</t>\nb"]);
    expect(await answer(undefined)).toEqual(["", "a</t>\nb"]);
    expect(addon.engine.requests.get(1)).toMatchObject({ streamed: false });
  });

  it("has the engine hold a grammar back until the reasoning is over, and takes the answer to the letter", async () => {
    const engine = await Engine.load();
    const thinkingTags = { open: "<think>", close: "</think>" };
    const ask = (more: object) => engine.chat({ messages: user("Q"), chatTemplate: "chatml", thinkingTags, ...more });
    const sent = () => addon.engine.requests.get(addon.engine.lastId);
    ask({ grammar: 'root ::= " <think>"' });
    const generation = addon.engine.lastId;
    expect(sent()).toMatchObject({ reasoning: { ...thinkingTags, startsOpen: false, blanks: false } });
    const asked = ask({ jsonSchema: { const: "<think>" } });
    expect(sent()).toMatchObject({ reasoning: { ...thinkingTags, startsOpen: false, blanks: true } });
    addon.engine.emit(
      generation + 1,
      nativeEvent.text("\n<think>so</thi"),
      nativeEvent.text('nk>\n"<think>"'),
      nativeEvent.done(),
    );
    expect(await asked.result).toMatchObject({ text: '"<think>"', reasoning: "so", parsed: "<think>" });
    // Without a form there is nothing to hold back.
    ask({});
    expect(sent()).toMatchObject({ reasoning: null });
  });

  it("knows a block that the prompt has opened", async () => {
    const engine = await Engine.load();
    const tags = { open: "<think>", close: "</think>" };
    const opened = "{% for m in messages %}{{ m.content }}{% endfor %}assistant: <think>\n";
    const generation = engine.chat({ messages: user("Q"), chatTemplate: opened, thinkingTags: tags });
    addon.engine.emit(1, nativeEvent.text("so</think>yes"), nativeEvent.done());
    expect(await generation.result).toMatchObject({ reasoning: "so", text: "yes" });
    const denied = engine.chat({
      messages: user("Q"),
      chatTemplate: opened,
      thinkingTags: { ...tags, startsOpen: false },
    });
    addon.engine.emit(2, nativeEvent.text("so</think>yes"), nativeEvent.done());
    expect(await denied.result).toMatchObject({ reasoning: "", text: "so</think>yes" });
    const complete = engine.complete({ prompt: "Q <think>", thinkingTags: tags, jsonSchema: {} });
    expect(addon.engine.requests.get(3)).toMatchObject({ reasoning: { startsOpen: true } });
    addon.engine.emit(3, nativeEvent.text("so</think>1"), nativeEvent.done());
    expect(await complete.result).toMatchObject({ reasoning: "so", parsed: 1 });
  });

  it("looks for control tokens that stops and tags name", async () => {
    const engine = await Engine.load();
    const tags = { open: "<|im_start|>", close: "<|im_end|>" };
    const generation = engine.chat({ messages: user("Q"), thinkingTags: tags, stopStrings: ["a<s>"] });
    expect(addon.engine.requests.get(1)).toMatchObject({ controlTexts: ["<s>", "<|im_start|>", "<|im_end|>"] });
    const control = (text: string) => ({ type: "text" as const, text, control: true });
    addon.engine.emit(1, control("<|im_start|>"), nativeEvent.text("so"), control("<s>"), control("<|im_end|>"));
    addon.engine.emit(1, nativeEvent.text("yes"), control("<s>"), nativeEvent.done());
    expect(await generation.result).toMatchObject({ reasoning: "so", text: "yes" });
  });

  it("chooses the request's template, then the engine's, then the model's, and is refused without any", async () => {
    const prompt = () => {
      const [part] = addon.engine.requests.get(addon.engine.lastId)!.prompt;
      return "text" in part! ? part.text : "";
    };
    addon.info = { chatTemplate: "" };
    let engine = await Engine.load();
    const needed = { code: "INVALID_ARGUMENT", issues: [{ path: "chatTemplate" }] };
    await expect(engine.chat({ messages: user("Q") }).result).rejects.toMatchObject(needed);
    expect(thrown(() => engine.session())).toMatchObject(needed);
    expect(thrown(() => engine.applyChatTemplate(user("Q")))).toMatchObject(needed);
    engine.chat({ messages: user("Q"), chatTemplate: "vicuna" });
    expect(prompt()).toBe("USER: Q\nASSISTANT:");

    addon.info = { chatTemplate: "model:{{ messages[0].content }}" };
    engine = await Engine.load();
    engine.chat({ messages: user("Q") });
    expect(prompt()).toBe("model:Q");

    engine = await Engine.load({ chatTemplate: "engine:{{ messages[0].content }}" });
    engine.chat({ messages: user("Q") });
    expect(prompt()).toBe("engine:Q");
    engine.chat({ messages: user("Q"), chatTemplate: "vicuna" });
    expect(prompt()).toBe("USER: Q\nASSISTANT:");
  });

  it("does not add the BOS token where the template wrote it", async () => {
    const engine = await Engine.load({ chatTemplate: "{{ bos_token }}{{ messages[0].content }}" });
    engine.chat({ messages: user("<s>Q") });
    expect(addon.engine.requests.get(1)).toMatchObject({
      addSpecial: false,
      prompt: [
        { text: "<s>", parseSpecial: true },
        { text: "<s>", parseSpecial: false },
        { text: "Q", parseSpecial: true },
      ],
    });
  });

  it("queues in the order of the calls where the images are at hand, else when they are loaded", async () => {
    const engine = await Engine.load();
    const [late] = [
      engine.chat({ messages: user("1"), images: [picture] }),
      engine.chat({ messages: user("2"), images: [new Uint8Array([1])] }),
      engine.chat({ messages: user("3") }),
    ];
    expect(addon.engine.requests.size).toBe(2);
    const first = late[Symbol.asyncIterator]();
    expect((await first.next()).value).toEqual({ type: "queued" });
    const [, part] = addon.engine.requests.get(3)!.prompt;
    expect(part).toMatchObject({ image: { content: Buffer.from("PNG") }, minTokens: 0, maxTokens: 0 });
  });

  it("frees an image that was read when the engine has it, whatever comes of the request", async () => {
    const engine = await Engine.load();
    const images = vi.spyOn(addon.engine, "readImage");
    await engine
      .chat({ messages: user("1"), images: [picture] })
      [Symbol.asyncIterator]()
      .next();
    addon.engine.refusal = nativeError("QUEUE_FULL");
    expect(await rejection(engine.chat({ messages: user("2"), images: [picture] }).result)).toMatchObject({
      code: "QUEUE_FULL",
    });
    const read = await Promise.all(images.mock.results.map(({ value }) => value as Promise<FakeImage>));
    expect(read.map(({ released }) => released)).toEqual([true, true]);
  });

  it("begins to read images before it has written the prompt", async () => {
    const engine = await Engine.load();
    const order: string[] = [];
    vi.spyOn(addon.engine, "readImage").mockImplementation(() => (order.push("read"), new Promise(() => undefined)));
    registerChatTemplate("written-late", (messages) => {
      order.push("written");
      return messages.map(({ content }) => content).join("");
    });
    engine.chat({ messages: user("1"), images: [picture], chatTemplate: "written-late" });
    expect(order.slice(0, 2)).toEqual(["read", "written"]);
  });

  it("brings every error through the generation", async () => {
    const engine = await Engine.load({ maxImageBytes: 100 });
    const result = (options: unknown) => rejection(engine.chat(options as never).result);
    expect(await result({})).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await result({ messages: user("x"), chatTemplate: "nope" })).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const images = [new Uint8Array([1])];
    expect(await result({ messages: [{ role: "system", content: "x" }], images })).toMatchObject({
      issues: [{ path: "images" }],
    });
    expect(await result({ messages: user("x"), images: [picture, folder] })).toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
    expect(await result({ messages: user("x"), images: [picture, new Uint8Array(101)] })).toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
    addon.engine.refusal = nativeError("QUEUE_FULL", "full", true);
    expect(await result({ messages: user("x") })).toMatchObject({ code: "QUEUE_FULL", retryable: true });
    addon.engine.refusal = undefined;
    await engine.close();
    expect(await result({ messages: user("x") })).toMatchObject({ code: "CLOSED" });
    expect(addon.engine.requests.size).toBe(0);
  });

  it("refuses images without a projector before it reads any", async () => {
    addon.info = { vision: false };
    const engine = await Engine.load();
    const error = await rejection(engine.chat({ messages: user("x"), images: ["no such file"] }).result);
    expect(error).toMatchObject({ code: "NO_VISION" });
  });

  it("is aborted while its images load", async () => {
    const engine = await Engine.load();
    const controller = new AbortController();
    const generation = engine.chat({ messages: user("x"), images: [picture], signal: controller.signal });
    controller.abort();
    expect(await rejection(generation.result)).toMatchObject({ code: "ABORTED" });
    await settle();
    expect(addon.engine.requests.size).toBe(0);
  });

  it("pauses, resumes and cancels through the addon, and survives a closed one", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("x") });
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    addon.engine.emit(1, ...Array.from({ length: 70 }, () => nativeEvent.text("x")));
    expect(addon.engine.calls).toEqual(["stream 1", "pause 1"]);
    for (let i = 0; i < 70; i++) await reader.next();
    expect(addon.engine.calls).toEqual(["stream 1", "pause 1", "resume 1"]);
    await engine.close();
    await reader.return!();
    addon.engine.emit(1, nativeEvent.failed("CLOSED"));
    expect(await rejection(generation.result)).toMatchObject({ code: "ABORTED" });
  });
});

describe("engine.complete", () => {
  it("sends the prompt as it is", async () => {
    const none = { minTokens: 0, maxTokens: 0 };
    const engine = await Engine.load();
    engine.complete({ prompt: "a</s>" });
    engine.complete({
      prompt: [
        { type: "text", text: "" },
        { type: "image", image: new Uint8Array([1]) },
        { type: "text", text: "b" },
      ],
      images: [new Uint8Array([2])],
      parseSpecial: false,
      addSpecial: false,
    });
    expect(addon.engine.requests.get(1)).toMatchObject({
      prompt: [{ text: "a</s>", parseSpecial: true }],
      addSpecial: true,
    });
    expect(addon.engine.requests.get(2)).toMatchObject({
      prompt: [
        { image: new Uint8Array([2]), ...none },
        { image: new Uint8Array([1]), ...none },
        { text: "b", parseSpecial: false },
      ],
      addSpecial: false,
    });
  });

  it("refuses an empty prompt", async () => {
    const engine = await Engine.load();
    expect(await rejection(engine.complete({ prompt: "" }).result)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
