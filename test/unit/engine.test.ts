import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { MedInferError, toMedInferError } from "../../lib/errors.js";
import { samplingSchema, toNativeSampling } from "../../lib/sampling/schema.js";
import { parse } from "../../lib/validation/parse.js";
import { collect, rejection, settle, thrown } from "./support/collect.js";
import { nativeError, told, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/binding.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let folder: string;
let picture: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "medinfer-engine-"));
  picture = path.join(folder, "p.png");
  await writeFile(picture, "PNG");
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  addon = useFakeAddon();
});

const user = (content: string) => [{ role: "user", content }];

describe("Engine.load", () => {
  it("passes every option on, in the addon's terms", async () => {
    await Engine.load({
      mmproj: null,
      nGpuLayers: 99,
      splitMode: "row",
      tensorSplit: [3, 1],
      nCtx: 2048,
      nCtxPerRequest: 512,
      batchSize: 8,
      nBatch: 1024,
      nUbatch: 256,
      nThreads: 2,
      kv: { type: "q8_0", pageSize: 64, prefixCache: false },
      maxQueue: 10,
      maxImageBytes: 1,
      maxImagePixels: 2,
      imageCacheBytes: 0,
    });
    expect(addon.loads).toEqual([
      {
        modelPath: expect.stringMatching(/medinfer-tiny\.gguf$/) as string,
        mmprojPath: "",
        nGpuLayers: 99,
        splitMode: "row",
        tensorSplit: [3, 1],
        nCtx: 2048,
        nCtxPerRequest: 512,
        batchSize: 8,
        nBatch: 1024,
        nUbatch: 256,
        nThreads: 2,
        kvType: "q8_0",
        kvPageSize: 64,
        kvPrefixCache: false,
        maxQueue: 10,
        maxImageBytes: 1,
        maxImagePixels: 2,
        imageCacheBytes: 0,
      },
    ]);
  });

  it("writes automatic choices as the addon does", async () => {
    await Engine.load();
    expect(addon.loads[0]).toMatchObject({
      nGpuLayers: -1,
      nThreads: 0,
      nBatch: 0,
      nCtxPerRequest: 0,
      kvType: "f16",
      kvPageSize: 32,
      kvPrefixCache: true,
    });
  });

  it("rejects what the addon refuses, and says that a projector was only found", async () => {
    addon.failure = nativeError("BAD_MMPROJ", "made for another model");
    const guessed = await rejection(Engine.load());
    expect(guessed).toBeInstanceOf(MedInferError);
    expect(guessed).toMatchObject({ code: "BAD_MMPROJ" });
    expect(guessed.message).toContain("mmproj: null");
    const named = await rejection(Engine.load({ mmproj: picture }));
    expect(named.message).toBe("made for another model");
    addon.failure = nativeError("OUT_OF_MEMORY", "too large", true);
    expect(await rejection(Engine.load())).toMatchObject({ code: "OUT_OF_MEMORY", retryable: true });
  });

  it("checks the chat template before it loads", async () => {
    expect(await rejection(Engine.load({ chatTemplate: "nope" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(addon.loads).toEqual([]);
  });

  it("reports progress, and ends with what the report throws", async () => {
    addon.progress = [0.1, 0.5, 1];
    const seen: number[] = [];
    await Engine.load({ onProgress: (fraction) => void seen.push(fraction) });
    expect(seen).toEqual([0.1, 0.5, 1]);
    const error = new Error("mine");
    const onProgress = vi.fn(() => {
      throw error;
    });
    expect(await rejection(Engine.load({ onProgress }))).toBe(error);
    expect(onProgress).toHaveBeenCalledOnce();
    expect(addon.aborted).toBe(1);
  });

  it("is aborted before, in the middle, and at the last moment", async () => {
    expect(await rejection(Engine.load({ signal: AbortSignal.abort("why") }))).toMatchObject({
      code: "ABORTED",
      cause: "why",
    });
    expect(addon.loads).toEqual([]);

    const middle = new AbortController();
    addon.gate = new Promise(() => {});
    const loading = Engine.load({ signal: middle.signal });
    while (addon.loads.length === 0) await settle();
    middle.abort();
    expect(await rejection(loading)).toMatchObject({ code: "ABORTED" });
    expect(addon.aborted).toBe(1);

    addon = useFakeAddon();
    const last = new AbortController();
    addon.info = { nVocab: 20_000 };
    addon.gate = new Promise((resolve) => setTimeout(resolve, 10));
    void addon.gate.then(() => setImmediate(() => last.abort()));
    expect(await rejection(Engine.load({ signal: last.signal }))).toMatchObject({ code: "ABORTED" });
    expect(addon.engine.closed).toBe(true);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await Engine.load({ signal });
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});

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
        { image: new Uint8Array([7]) },
        { text: "\nExtract\nASSISTANT:", parseSpecial: true },
      ],
      addSpecial: true,
      sampling: toNativeSampling(
        parse(samplingSchema, { temperature: 0.05, repeatLastN: 256, repeatPenalty: 1.18, seed: 5 }, "sampling"),
      ),
      stopStrings: ["</s>", "User:"],
      grammar: "",
      nPredict: 10,
      ignoreEos: true,
      n: 1,
      base: 0,
      keep: false,
      sumLogprobs: false,
      nProbs: 0,
      cacheSalt: "",
      priority: 3,
      followed: false,
    });
  });

  it("streams what the addon tells", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q") });
    addon.engine.emit(1, told.text("A"));
    addon.engine.emit(1, told.done("stop"));
    expect(await generation.result).toMatchObject({ text: "A", finishReason: "stop", stopString: "###" });
  });

  it("looks for stop regexes itself, beside the stop strings, and has the engine end the request", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q"), stopRegexes: [/\n#+/, "x+"], stopStrings: ["##"] });
    expect(addon.engine.requests.get(1)).toMatchObject({ stopStrings: [], followed: true });
    addon.engine.emit(1, told.text("A\n"), told.text("##"));
    expect(addon.engine.calls).toEqual(["finish 1"]);
    addon.engine.emit(1, told.done("stop"));
    expect(await generation.result).toMatchObject({ text: "A", finishReason: "stop", stopString: "\n#" });
    // Strings alone stay with the engine, which nobody has to wake up.
    engine.chat({ messages: user("Q"), stopRegexes: [], stopStrings: ["##"] });
    expect(addon.engine.requests.get(2)).toMatchObject({ stopStrings: ["##"], followed: false });
  });

  it("survives an engine that is closed at the moment of a match", async () => {
    const engine = await Engine.load();
    const generation = engine.chat({ messages: user("Q"), stopRegexes: [/#/] });
    await engine.close();
    addon.engine.emit(1, told.text("A#"), told.failed("CLOSED"));
    expect(await rejection(generation.result)).toMatchObject({ code: "CLOSED" });
  });

  it("tells reasoning apart where thinking tags are given", async () => {
    const engine = await Engine.load();
    const answer = async (thinkingTags: { open: string; close: string; startsOpen?: boolean } | false | undefined) => {
      const { result } = engine.chat({ messages: user("Q"), thinkingTags });
      addon.engine.emit(addon.engine.lastId, told.text("a</t>\nb"), told.done());
      const { text, reasoning } = await result;
      return [reasoning, text];
    };
    expect(await answer({ open: "<t>", close: "</t>", startsOpen: true })).toEqual(["a", "b"]);
    expect(await answer({ open: "<t>", close: "</t>" })).toEqual(["", "a</t>\nb"]);
    expect(await answer(false)).toEqual(["", "a</t>\nb"]);
    expect(await answer(undefined)).toEqual(["", "a</t>\nb"]);
    expect(addon.engine.requests.get(1)).toMatchObject({ followed: false });
  });

  it("chooses the request's template, then the engine's, then the model's, then vicuna", async () => {
    const prompt = () => {
      const [part] = addon.engine.requests.get(addon.engine.lastId)!.prompt;
      return "text" in part! ? part.text : "";
    };
    let engine = await Engine.load();
    engine.chat({ messages: user("Q") });
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
    expect(addon.engine.requests.get(3)!.prompt[1]).toEqual({ image: Buffer.from("PNG") });
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
    addon.engine.emit(1, ...Array.from({ length: 70 }, () => told.text("x")));
    expect(addon.engine.calls).toEqual(["follow 1", "pause 1"]);
    for (let i = 0; i < 70; i++) await reader.next();
    expect(addon.engine.calls).toEqual(["follow 1", "pause 1", "resume 1"]);
    await engine.close();
    await reader.return!();
    addon.engine.emit(1, told.failed("CLOSED"));
    expect(await rejection(generation.result)).toMatchObject({ code: "ABORTED" });
  });
});

describe("engine.complete", () => {
  it("sends the prompt as it is", async () => {
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
      prompt: [{ image: new Uint8Array([2]) }, { image: new Uint8Array([1]) }, { text: "b", parseSpecial: false }],
      addSpecial: false,
    });
  });

  it("refuses an empty prompt", async () => {
    const engine = await Engine.load();
    expect(await rejection(engine.complete({ prompt: "" }).result)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the other methods", () => {
  it("tokenize and detokenize", async () => {
    const engine = await Engine.load();
    expect(engine.tokenize("ab")).toEqual(Int32Array.of(97, 98));
    engine.tokenize("ab", { addSpecial: true, parseSpecial: true });
    expect(addon.engine.calls).toEqual(["tokenize false false", "tokenize true true"]);
    expect(engine.detokenize([97, 257])).toBe("a");
    expect(engine.detokenize(Int32Array.of(97, 257), { special: true })).toBe("a</s>");
    for (const bad of [[1.5], [-1], [NaN], ["a"], "ab", 5, [2 ** 31]]) {
      expect(thrown(() => engine.detokenize(bad as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(thrown(() => engine.tokenize(5 as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(thrown(() => engine.tokenize("x", { special: true } as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("applyChatTemplate shows the prompt, images as markers", async () => {
    const engine = await Engine.load();
    const content = [
      { type: "image" as const, image: "never read" },
      { type: "text" as const, text: "</s>Q" },
    ];
    expect(engine.applyChatTemplate([{ role: "user", content }])).toEqual({
      prompt: "USER: <__media__></s>Q\nASSISTANT:",
      stopStrings: [],
    });
    expect(engine.applyChatTemplate(user("Q"), { chatTemplate: "chatml", addGenerationPrompt: false }).prompt).toBe(
      "<|im_start|>user\nQ<|im_end|>\n",
    );
    expect(thrown(() => engine.applyChatTemplate([]))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("embedImage gives the encoder's floats", async () => {
    const engine = await Engine.load();
    const embedding = engine.embedImage(picture);
    while (addon.engine.images.size === 0) await settle();
    const values = Float32Array.of(1, 2);
    addon.engine.emit(1, { type: "embedded", values, tokens: 1, width: 2, cached: true });
    expect(await embedding).toEqual({ values, tokens: 1, width: 2, cached: true });

    const failing = engine.embedImage(new Uint8Array([1]));
    await settle();
    addon.engine.emit(2, told.failed("IMAGE_DECODE", "damaged"));
    expect(await rejection(failing)).toMatchObject({ code: "IMAGE_DECODE", message: "damaged" });
    expect(await rejection(engine.embedImage(5 as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await rejection(engine.embedImage(folder))).toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });

  it("embedImage is aborted before and in the middle", async () => {
    const engine = await Engine.load();
    const image = new Uint8Array([1]);
    expect(await rejection(engine.embedImage(image, { signal: AbortSignal.abort() }))).toMatchObject({
      code: "ABORTED",
    });
    expect(addon.engine.images.size).toBe(0);
    const controller = new AbortController();
    const embedding = engine.embedImage(image, { signal: controller.signal });
    await settle();
    controller.abort("why");
    expect(addon.engine.calls).toEqual(["cancel 1"]);
    addon.engine.emit(1, told.failed("ABORTED"));
    expect(await rejection(embedding)).toMatchObject({ code: "ABORTED", cause: "why" });
  });

  it("info stays readable after close, and can not be changed", async () => {
    const engine = await Engine.load();
    await engine.close();
    expect(engine.info.batchSize).toBe(4);
    expect(() => Object.assign(engine.info, { batchSize: 5 })).toThrow();
  });

  it("await using closes", async () => {
    {
      await using engine = await Engine.load();
      expect(engine.stats()).toMatchObject({ queued: 0 });
    }
    expect(addon.engine.closed).toBe(true);
  });

  it("every one refuses a closed engine with CLOSED", async () => {
    const engine = await Engine.load();
    await engine.close();
    await engine.close();
    const closed = { code: "CLOSED" };
    expect(await rejection(engine.chat({ messages: user("x") }).result)).toMatchObject(closed);
    expect(await rejection(collect(engine.complete({ prompt: "x" })))).toMatchObject(closed);
    expect(await rejection(collect(engine.annotate([{ prompt: "x" }])))).toMatchObject(closed);
    expect(await rejection(engine.embedImage(new Uint8Array([1])))).toMatchObject(closed);
    expect(thrown(() => engine.tokenize("x"))).toMatchObject(closed);
    expect(thrown(() => engine.detokenize([1]))).toMatchObject(closed);
    expect(thrown(() => engine.stats())).toMatchObject(closed);
  });
});

describe("toMedInferError", () => {
  it("keeps the addon's code, message and retryable", () => {
    expect(toMedInferError(nativeError("QUEUE_FULL", "full", true))).toMatchObject({
      name: "MedInferError",
      code: "QUEUE_FULL",
      message: "full",
      retryable: true,
      issues: [],
    });
  });

  it("keeps a MedInferError as it is, and hides nothing else", () => {
    const own = new MedInferError("CLOSED", "x");
    expect(toMedInferError(own)).toBe(own);
    const stranger = Object.assign(new Error("x"), { code: "ENOENT" });
    expect(toMedInferError(stranger)).toMatchObject({ code: "INTERNAL", cause: stranger });
    expect(toMedInferError("x")).toMatchObject({ code: "INTERNAL", cause: "x" });
  });
});
