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

/** Every numeric sampling parameter, and how messages state its range. */
const numeric = {
  temperature: "a number from -1 to 100",
  dynatempRange: "a number from 0 to 100",
  dynatempExponent: "a number from 0 to 100",
  topK: "an integer of -1 or more",
  topP: "a number from 0 to 1",
  minP: "a number from 0 to 1",
  tfsZ: "a number from 0 to 1",
  typicalP: "a number from 0 to 1",
  topNSigma: "a number from -1 to 100",
  minKeep: "an integer of 0 or more",
  repeatLastN: "an integer of -1 or more",
  repeatPenalty: "a number greater than 0 and at most 100",
  frequencyPenalty: "a number from -100 to 100",
  presencePenalty: "a number from -100 to 100",
  dryMultiplier: "a number from 0 to 100",
  dryBase: "a number from 1 to 100",
  dryAllowedLength: "an integer of 0 or more",
  dryPenaltyLastN: "an integer of -1 or more",
  xtcProbability: "a number from 0 to 1",
  xtcThreshold: "a number from 0 to 0.5",
  adaptivePTarget: "a number from -1 to 1",
  adaptivePDecay: "a number from 0 to 0.99",
  miroStatTau: "a number from 0 to 100",
  miroStatEta: "a number from 0 to 1",
  seed: "an integer from -1 to 4294967295",
};

describe("defaults", () => {
  it("are those of the documentation", () => {
    expect(sample({})).toEqual({
      temperature: 0.8,
      dynatempRange: 0,
      dynatempExponent: 1,
      topK: 40,
      topP: 0.95,
      minP: 0.05,
      tfsZ: 1,
      typicalP: 1,
      topNSigma: -1,
      minKeep: 0,
      repeatLastN: 64,
      repeatPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      penalizeNl: false,
      dryMultiplier: 0,
      dryBase: 1.75,
      dryAllowedLength: 2,
      dryPenaltyLastN: -1,
      drySequenceBreakers: ["\n", ":", '"', "*"],
      xtcProbability: 0,
      xtcThreshold: 0.1,
      adaptivePTarget: -1,
      adaptivePDecay: 0.9,
      miroStat: "DISABLED",
      miroStatTau: 5,
      miroStatEta: 0.1,
      seed: -1,
      tokenIdBias: {},
      tokenBias: {},
      disableTokenIds: [],
      samplers: [
        ...["PENALTIES", "DRY", "TOP_N_SIGMA", "TOP_K", "TFS_Z", "TYPICAL_P"],
        ...["TOP_P", "MIN_P", "XTC", "TEMPERATURE", "ADAPTIVE_P"],
      ],
    });
    expect(chat({ messages })).toMatchObject({
      images: [],
      stopStrings: [],
      nPredict: -1,
      ignoreEos: false,
      nProbs: 0,
      priority: 0,
      sampling: sample({}),
    });
    expect(load({})).toMatchObject({
      mmproj: "auto",
      nGpuLayers: "auto",
      splitMode: "layer",
      tensorSplit: [],
      task: "generate",
      pooling: "auto",
      nCtx: 4096,
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

describe("what the addon gets", () => {
  it("are biases as lists, forbidden tokens at minus infinity", () => {
    const native = toNativeSampling(
      sample({
        tokenIdBias: { 5: 1.5, 6: false },
        disableTokenIds: Int32Array.of(7),
        tokenBias: { yes: -2, no: false },
        penaltyPrompt: [1, 2],
      }),
    );
    expect(native).toMatchObject({
      tokenIdBias: [
        { id: 5, bias: 1.5 },
        { id: 6, bias: -Infinity },
        { id: 7, bias: -Infinity },
      ],
      tokenBias: [
        { text: "yes", bias: -2 },
        { text: "no", bias: -Infinity },
      ],
      penaltyPrompt: Int32Array.of(1, 2),
    });
    expect(native).not.toHaveProperty("disableTokenIds");
    expect(toNativeSampling(sample({ penaltyPrompt: "x" })).penaltyPrompt).toBe("x");
    expect(toNativeSampling(sample({})).penaltyPrompt).toBeNull();
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
    expect(options.sampling).toMatchObject({ tfsZ: 1, typicalP: 1 });
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
    ["tensorSplit", [1, -1]],
    ["tensorSplit", [Infinity, 1]],
    ["tensorSplit", [0, 0]],
    ["tensorSplit", ["1", 1]],
    ["mainGpu", -1],
    ["mainGpu", 0.5],
    ["mainGpu", 1024],
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
        message: "must be a regular expression, as a RegExp or a string that is not empty (got an empty string)",
      },
    ]);
    expect(issues({ timeLimitMs: 2 ** 31, nPredict: -2 })).toMatchObject([
      { path: "nPredict", message: "must be an integer of -1 or more (got -2)" },
      { path: "timeLimitMs", message: "must be an integer from 1 to 2147483647 (got 2147483648)" },
    ]);
    expect(issues({ stopRegexes: /a/ })).toMatchObject([{ path: "stopRegexes" }]);
    expect(issues({ stopStrings: ["x".repeat(1000), "y".repeat(1001)] })).toMatchObject([
      { path: "stopStrings", message: "must hold no text of more than 1000 characters" },
    ]);
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

  it.each(Object.entries(numeric))(
    "%s that is no number of its range: NaN, infinite, huge, of another type",
    (name, range) => {
      const wrong: unknown[] = [NaN, Infinity, -Infinity, 1e300, -1e300, 2 ** 53, "1", null, {}, [1], true, 1n];
      for (const value of wrong) {
        const { issues } = refusal(() => sample({ [name]: value }));
        // One that is too large is told of the bound.
        const above = Number.isInteger(value) && Number(value) > 0;
        const told = above ? range.replace(/of (-?\d+) or more/, "from $1 to 2147483647") : range;
        expect(issues).toMatchObject([{ path: name, message: expect.stringContaining(told) as string }]);
      }
    },
  );

  it("no negative zero: it is zero", () => {
    for (const name of Object.keys(numeric)) {
      if (name === "repeatPenalty" || name === "dryBase") continue;
      const taken = sample({ [name]: -0 }) as Record<string, unknown>;
      expect(Object.is(taken[name], 0), name).toBe(true);
    }
    expect(refusal(() => sample({ repeatPenalty: -0 })).issues[0]!.path).toBe("repeatPenalty");
  });

  it.each([
    ["tokenIdBias", { 5: "x" }, "tokenIdBias.5"],
    ["tokenIdBias", { 5: NaN, 6: 1001, 7: Infinity, 8: true }, "tokenIdBias.5"],
    ["tokenIdBias", { "-1": 1 }, "tokenIdBias.-1"],
    ["tokenIdBias", { "1.5": 1 }, "tokenIdBias.1.5"],
    ["tokenIdBias", { 4294967296: 1 }, "tokenIdBias.4294967296"],
    ["tokenIdBias", [1], "tokenIdBias"],
    ["tokenIdBias", new Map([[1, 1]]), "tokenIdBias"],
    ["tokenBias", { "": 1 }, "tokenBias"],
    ["tokenBias", { a: 1e9 }, "tokenBias"],
    ["disableTokenIds", [1, -1], "disableTokenIds"],
    ["disableTokenIds", 5, "disableTokenIds"],
    ["penaltyPrompt", [0.5], "penaltyPrompt"],
    ["penaltyPrompt", 5, "penaltyPrompt"],
    ["samplers", ["TOP_Q"], "samplers[0]"],
    ["samplers", "TOP_K", "samplers"],
    ["samplers", ["MIN_P", "MIN_P"], "samplers"],
    ["samplers", ["ADAPTIVE_P", "MIN_P"], "samplers"],
    ["drySequenceBreakers", ["a", ""], "drySequenceBreakers[1]"],
    ["drySequenceBreakers", ["a\0"], "drySequenceBreakers"],
    ["miroStat", "V3", "miroStat"],
  ])("%s of %o", (name, value, path) => {
    expect(refusal(() => sample({ [name]: value })).issues[0]!.path).toBe(path);
  });

  it("a parameter that could have no effect beside the others", () => {
    const paths = (options: unknown) => refusal(() => sample(options)).issues.map(({ path }) => path);
    expect(paths({ samplers: ["TOP_P"], topK: 5, topP: 0.5, minP: 0.1, tfsZ: 0.5 })).toEqual(["topK", "minP", "tfsZ"]);
    expect(paths({ samplers: ["TOP_K"], temperature: 0.5 })).toEqual(["temperature"]);
    expect(paths({ miroStat: "V1", samplers: ["TOP_K"] })).toEqual(["samplers"]);
    expect(paths({ miroStat: "V2", xtcProbability: 1, topNSigma: 1 })).toEqual(["topNSigma", "xtcProbability"]);
    expect(paths({ miroStat: "V2", temperature: 0 })).toEqual(["miroStat"]);
    expect(paths({ temperature: 0, dynatempRange: 1, adaptivePTarget: 0.5 })).toEqual([
      "dynatempRange",
      "adaptivePTarget",
    ]);
    // Defaults are not asked for, and what is off does nothing.
    expect(sample({ samplers: ["TOP_P"], topK: 0, tfsZ: 1, temperature: 1 })).toMatchObject({ samplers: ["TOP_P"] });
    expect(sample({ miroStat: "V2", topK: 40 })).toMatchObject({ miroStat: "V2" });
    // What has its defaults already, as the rows of annotate(), is taken again.
    expect(sample(sample({ temperature: 0 }))).toEqual(sample({ temperature: 0 }));
  });

  it("what is not implemented, by name", () => {
    expect(refusal(() => chat({ messages, nKeep: 5 })).issues).toMatchObject([{ path: "nKeep" }]);
    for (const key of ["inputPrefix", "inputSuffix", "suffixFirst", "echo"]) {
      expect(refusal(() => chat({ messages, [key]: "a" })).message).toContain(
        "put it into the options of engine.complete",
      );
    }
    expect(refusal(() => chat({ messages, nKeep: -1 })).message).toContain("no token is dropped from a full context");
    expect(chat({ messages, nKeep: 0, nProbs: 100 })).toMatchObject({ nProbs: 100 });
    for (const nProbs of [-1, 101, 0.5, NaN]) {
      expect(refusal(() => chat({ messages, nProbs })).issues).toMatchObject([{ path: "nProbs" }]);
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
      fc.property(fc.string({ minLength: 4 }), fc.integer({ min: 0, max: 5 }), (secret, place) => {
        const text = `SECRET${secret}`;
        const places = [
          { messages: text },
          { messages: [{ role: text + " ", content: "x" }] },
          { messages: [{ role: "user", content: [{ type: text }] }] },
          { messages, sampling: { temperature: text } },
          { messages, stopStrings: text, nPredict: text },
          { messages, sampling: { tokenBias: { [text]: text }, penaltyPrompt: { [text]: 1 } } },
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
    expect(error.issues.map(({ path }) => path)).toEqual(["messages"]);
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
