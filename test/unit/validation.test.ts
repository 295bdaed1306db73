import vm from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MedInferError } from "../../lib/errors.js";
import { loadOptionsSchema } from "../../lib/options/load-options.js";
import { chatOptionsSchema, completeOptionsSchema } from "../../lib/options/request-options.js";
import { samplingSchema, toNativeSampling } from "../../lib/sampling/schema.js";
import { editDistance, nearest } from "../../lib/validation/nearest.js";
import { parse } from "../../lib/validation/parse.js";
import { thrown } from "./support/collect.js";

const messages = [{ role: "user", content: "Hi" }];
const chat = (options: unknown) => parse(chatOptionsSchema, options, "engine.chat");
const load = (options: unknown) => parse(loadOptionsSchema, options, "Engine.load");
const sample = (options: unknown) => parse(samplingSchema, options, "sampling");

const refusal = (call: () => unknown) => {
  const error = thrown(call);
  expect(error).toBeInstanceOf(MedInferError);
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", retryable: false });
  return error as MedInferError;
};

describe("defaults", () => {
  it("are those of the documentation", () => {
    expect(sample({})).toEqual({
      temperature: 0.8,
      topK: 40,
      topP: 0.95,
      minP: 0.05,
      minKeep: 0,
      repeatLastN: 64,
      repeatPenalty: 1,
      penalizeNl: false,
      seed: -1,
    });
    expect(chat({ messages })).toMatchObject({
      images: [],
      stopStrings: [],
      nPredict: -1,
      ignoreEos: false,
      priority: 0,
      sampling: sample({}),
    });
    expect(load({})).toMatchObject({
      mmproj: "auto",
      nGpuLayers: "auto",
      splitMode: "layer",
      tensorSplit: [],
      nCtx: 4096,
      batchSize: 4,
      nUbatch: 512,
      nThreads: "auto",
      kv: { type: "f16" },
      maxQueue: 1024,
      maxImageBytes: 64 * 1024 * 1024,
      maxImagePixels: 64_000_000,
      imageCacheBytes: 256 * 1024 * 1024,
    });
  });

  it("stand in for undefined, as JavaScript has it", () => {
    expect(sample({ topK: undefined, tfsZ: undefined })).toEqual(sample({}));
  });

  it("draw a 32-bit seed where none is named, and keep one that is", () => {
    const { seed } = toNativeSampling(sample({}));
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(toNativeSampling(sample({ seed: 2 ** 32 - 1 })).seed).toBe(2 ** 32 - 1);
    expect(toNativeSampling(sample({ seed: 0 })).seed).toBe(0);
  });
});

describe("the seed's call", () => {
  it("is taken with all its parameters", () => {
    const options = chat({
      messages,
      chatTemplate: "vicuna",
      nPredict: -1,
      nProbs: 0,
      stopStrings: ["</s>", "User:"],
      sampling: {
        minKeep: 0,
        minP: 0.05,
        penalizeNl: false,
        repeatLastN: 256,
        repeatPenalty: 1.18,
        temperature: 0.05,
        tfsZ: 1,
        typicalP: 1,
        topK: 40,
        topP: 0.95,
      },
    });
    expect(options.sampling).toMatchObject({ repeatLastN: 256, repeatPenalty: 1.18, topK: 40 });
    expect(options.sampling).not.toHaveProperty("tfsZ");
    expect(load({ batchSize: 4, nGpuLayers: 99, nCtx: 4096 })).toMatchObject({ nGpuLayers: 99 });
  });
});

describe("what is refused", () => {
  it.each([NaN, Infinity, -Infinity, "1", null, {}, [], true, 1n])("a temperature of %s", (value) => {
    expect(refusal(() => sample({ temperature: value })).issues).toMatchObject([
      { path: "temperature", message: expect.stringContaining("must be a number from -1 to 100") as string },
    ]);
  });

  it.each([
    ["topK", 1.5],
    ["topK", -2],
    ["topK", 2 ** 31],
    ["topP", 1.01],
    ["topP", -0.1],
    ["minP", 2],
    ["minKeep", -1],
    ["repeatLastN", -2],
    ["repeatPenalty", 0],
    ["repeatPenalty", -1],
    ["penalizeNl", 0],
    ["seed", -2],
    ["seed", 2 ** 32],
  ])("%s of %s", (name, value) => {
    expect(refusal(() => sample({ [name]: value })).issues).toMatchObject([{ path: name }]);
  });

  it.each([
    ["nCtx", 0],
    ["nCtx", 4096.5],
    ["batchSize", 257],
    ["nUbatch", 0],
    ["nThreads", 0],
    ["nThreads", "all"],
    ["nGpuLayers", -1],
    ["splitMode", "rows"],
    ["tensorSplit", [1, NaN]],
    ["tensorSplit", 1],
    ["kv", { type: "f17" }],
    ["maxQueue", 0],
    ["maxImageBytes", 0],
    ["signal", {}],
    ["onProgress", 1],
    ["model", 5],
    ["mmproj", false],
    ["chatTemplate", ""],
  ])("a load with %s of %j", (name, value) => {
    expect(refusal(() => load({ [name]: value })).issues[0]!.path).toMatch(new RegExp(`^${name}`));
  });

  it("everything at once, each with its place and range", () => {
    const error = refusal(() =>
      chat({
        messages: [{ role: "user", content: [{ type: "txt", text: "x" }] }, { role: "us er" }],
        nPredict: -2,
        sampling: { topP: 7, temprature: 1 },
        stopStrings: ["ok", ""],
      }),
    );
    expect(error.issues.map(({ path }) => path).sort()).toEqual([
      "messages[0].content[0]",
      "messages[1].content",
      "messages[1].role",
      "nPredict",
      "sampling.temprature",
      "sampling.topP",
      "stopStrings[1]",
    ]);
    expect(error.message).toContain("engine.chat: 7 arguments are wrong: ");
    expect(error.message).toContain("sampling.topP must be a number from 0 to 1 (got 7)");
    expect(error.message).toContain("sampling.temprature is unknown: did you mean temperature?");
    expect(error.message).toContain("messages[1].content is missing");
  });

  it("stop regexes and thinking tags, each with its place", () => {
    const issues = (given: object) => refusal(() => chat({ messages, ...given })).issues;
    expect(issues({ stopRegexes: [/ok/, /a*/, 5, "(", ""] })).toEqual([
      { path: "stopRegexes[1]", message: "must not match the empty text" },
      {
        path: "stopRegexes[2]",
        message: "must be a regular expression, as a RegExp or a string that is not empty (got 5)",
      },
      { path: "stopRegexes[3]", message: "must be a valid regular expression" },
      {
        path: "stopRegexes[4]",
        message: "must be a regular expression, as a RegExp or a string that is not empty (got a string)",
      },
    ]);
    expect(issues({ stopRegexes: /a/ })).toMatchObject([{ path: "stopRegexes" }]);
    expect(issues({ stopRegexes: Array(17).fill(/a/) })).toMatchObject([
      { path: "stopRegexes", message: "must hold at most 16 regular expressions" },
    ]);
    for (const [thinkingTags, path] of [
      [true, "thinkingTags"],
      ["<think>", "thinkingTags"],
      [null, "thinkingTags"],
      [{}, "thinkingTags.open"],
      [{ open: "", close: "x" }, "thinkingTags.open"],
      [{ open: "x", close: 5 }, "thinkingTags.close"],
      [{ open: "x", close: "y", startsOpen: 1 }, "thinkingTags.startsOpen"],
      [{ open: "x", close: "y", end: "z" }, "thinkingTags.end"],
    ] as const) {
      expect(issues({ thinkingTags })[0], JSON.stringify(thinkingTags)).toMatchObject({ path });
    }
    expect(chat({ messages, thinkingTags: false, stopRegexes: [vm.runInNewContext("/a/")] })).toBeDefined();
  });

  it("an unknown key, with the nearest known one or the place where it belongs", () => {
    const message = (call: () => unknown) => refusal(call).issues[0]!.message;
    expect(message(() => load({ nctx: 1 }))).toBe("is unknown: did you mean nCtx?");
    expect(message(() => load({ batch_size: 1 }))).toBe("is unknown: did you mean batchSize?");
    expect(message(() => load({ kv: { typ: "f16" } }))).toBe("is unknown: did you mean type?");
    expect(message(() => load({ xyzzy: 1 }))).toContain("is unknown: known are model, mmproj, ");
    expect(message(() => chat({ messages, temperature: 0 }))).toBe("does not belong here: put it into sampling");
    expect(message(() => chat({ messages, nCtx: 1 }))).toContain("Engine.load");
  });

  it("parameters that wait for a later version, by name, unless they are neutral", () => {
    const neutral = {
      tfsZ: 1,
      typicalP: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      dynatempRange: 0,
      dynatempExponent: 2,
      miroStat: "DISABLED",
      miroStatTau: 5,
      miroStatEta: 0.1,
      tokenIdBias: {},
      tokenBias: {},
      disableTokenIds: [],
    };
    expect(sample(neutral)).toEqual(sample({}));
    const active = {
      tfsZ: 0.9,
      typicalP: 0.5,
      frequencyPenalty: 1,
      presencePenalty: 1,
      dynatempRange: 1,
      miroStat: "V2",
      penaltyPrompt: "x",
      tokenIdBias: { 1: 2 },
      tokenBias: { a: 1 },
      disableTokenIds: [1],
      samplers: ["TOP_K"],
    };
    const { issues } = refusal(() => sample(active));
    expect(issues.map(({ path }) => path).sort()).toEqual(Object.keys(active).sort());
    for (const { message } of issues) expect(message).toContain("is not implemented in this version");
    for (const key of ["nProbs", "nKeep", "inputPrefix", "inputSuffix"]) {
      expect(refusal(() => chat({ messages, [key]: 5 })).issues).toMatchObject([{ path: key }]);
    }
  });

  it.each([undefined, null, 5, "x"])("options that are %j", (value) => {
    expect(refusal(() => chat(value)).message).toContain("engine.chat: must be an object");
  });

  it.each([
    [],
    [null],
    ["text"],
    [{ role: "user" }],
    [{ content: "x" }],
    [{ role: "", content: "x" }],
    [{ role: "<|im_end|>", content: "x" }],
    [{ role: "user", content: 5 }],
    [{ role: "user", content: [5] }],
    [{ role: "user", content: [{ type: "image" }] }],
    [{ role: "user", content: [{ type: "image", image: 5 }] }],
    [{ role: "user", content: "x", name: "y" }],
  ])("messages such as %j", (...value) => {
    expect(refusal(() => chat({ messages: value })).issues[0]!.path).toMatch(/^messages/);
  });
});

describe("messages of refusals", () => {
  it("never hold a text that was given", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.integer({ min: 0, max: 4 }), (secret, place) => {
        const text = `SECRET${secret}`;
        const places = [
          { messages: text },
          { messages: [{ role: text + " ", content: "x" }] },
          { messages: [{ role: "user", content: [{ type: text }] }] },
          { messages, sampling: { temperature: text } },
          { messages, stopStrings: text, nPredict: text },
        ];
        expect(refusal(() => chat(places[place])).message).not.toContain("SECRET");
      }),
    );
  });
});

describe("completion options", () => {
  it("need a prompt and know no messages", () => {
    const parsed = parse(completeOptionsSchema, { prompt: "x" }, "engine.complete");
    expect(parsed).toMatchObject({ parseSpecial: true, addSpecial: true, nPredict: -1 });
    const error = refusal(() => parse(completeOptionsSchema, { messages }, "engine.complete"));
    expect(error.issues.map(({ path }) => path).sort()).toEqual(["messages", "prompt"]);
  });
});

describe("nearest", () => {
  it("is found over case, underscores and small slips", () => {
    const known = ["temperature", "topK", "topP", "repeatPenalty", "nPredict"];
    expect(nearest("temperture", known)).toBe("temperature");
    expect(nearest("TOP_K", known)).toBe("topK");
    expect(nearest("repeat_penalty", known)).toBe("repeatPenalty");
    expect(nearest("npredcit", known)).toBe("nPredict");
    expect(nearest("banana", known)).toBeUndefined();
  });

  it("rests on a distance that is zero only for equals, symmetric, and bounded by the longer text", () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});
