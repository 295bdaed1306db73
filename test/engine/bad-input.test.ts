// Whatever is wrong with a file, an image or an option: a typed error, a living process, a usable engine.
// Every case runs in a process of its own, because the failure to be found is the death of that process.
import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { badFile, cuts, randomBytes, runBadInput, truncated } from "../support/bad-input.mjs";
import { whitePng } from "../support/images.mjs";
import { cacheDir, fixture } from "../support/paths.mjs";
import { randomModel, tinyMmproj, tinyModel } from "../support/random-model.mjs";

const model = tinyModel();
const mmproj = tinyMmproj();
const good = { model, mmproj: null, nCtx: 512, nThreads: 1 };
const seeing = { ...good, mmproj };

type Case = [name: string, codes: string, input: unknown];

/** Codes as "A|B": any of them. */
async function expectError(codes: string, run: Parameters<typeof runBadInput>[0]): Promise<void> {
  const { error, after, peakMb } = await runBadInput(run);
  expect(error).toBeDefined();
  expect(error).toMatchObject({ typed: true, name: "MedInferError", retryable: false });
  expect(codes.split("|")).toContain(error!.code);
  expect(error!.message.length).toBeGreaterThan(10);
  expect(after.length).toBeGreaterThan(0);
  expect(peakMb).toBeLessThan(600);
}

const loadCases = (cases: Case[]): void => {
  test.concurrent.each(cases)("%s", (_name, codes, load) => expectError(codes, { load, good }));
};
const requestCases = (loaded: typeof seeing | typeof good, cases: Case[]): void => {
  test.concurrent.each(cases)("%s", (_name, codes, request) => expectError(codes, { request, good: loaded }));
};

/** llama.cpp ends the process over such a vocabulary. */
function withTokenTwice(): string {
  const bytes = readFileSync(model);
  bytes.write("cab", bytes.indexOf("bab"));
  return badFile("token-twice.gguf", bytes);
}

describe("model files", () => {
  const text = { ...good };
  loadCases([
    ["missing", "MODEL_NOT_FOUND", { ...text, model: "/no/such/model.gguf" }],
    ["a folder", "MODEL_NOT_FOUND", { ...text, model: cacheDir }],
    ["empty", "BAD_GGUF", { ...text, model: badFile("empty.gguf", new Uint8Array()) }],
    ["random bytes", "BAD_GGUF", { ...text, model: badFile("random.gguf", randomBytes(65536)) }],
    [
      "random bytes behind the magic number",
      "BAD_GGUF",
      { ...text, model: badFile("magic.gguf", Buffer.concat([Buffer.from("GGUF\x03\0\0\0"), randomBytes(65536)])) },
    ],
    ["a projector", "BAD_GGUF", { ...text, model: mmproj }],
    ["a token twice", "BAD_GGUF", { ...text, model: withTokenTwice() }],
    ...cuts(statSync(model).size, 20).map((size): Case => [
      `cut after ${size} bytes`,
      "BAD_GGUF",
      { ...text, model: truncated(model, size) },
    ]),
  ]);
});

describe("projector files", () => {
  loadCases([
    ["missing", "MODEL_NOT_FOUND", { ...good, mmproj: "/no/such/mmproj.gguf" }],
    ["a folder", "MODEL_NOT_FOUND", { ...good, mmproj: cacheDir }],
    ["empty", "BAD_MMPROJ", { ...good, mmproj: badFile("empty-mmproj.gguf", new Uint8Array()) }],
    ["random bytes", "BAD_MMPROJ", { ...good, mmproj: badFile("random-mmproj.gguf", randomBytes(65536)) }],
    ["a text model", "BAD_MMPROJ", { ...good, mmproj: model }],
    ["of another model's width", "BAD_MMPROJ", { ...good, mmproj: randomModel("llava-mmproj", { out: 64 }) }],
    ...cuts(statSync(mmproj).size, 20).map((size): Case => [
      `cut after ${size} bytes`,
      "BAD_MMPROJ",
      { ...good, mmproj: truncated(mmproj, size) },
    ]),
  ]);
});

const withImage = (image: unknown): unknown => ({
  prompt: [
    { type: "text", text: "look at " },
    { type: "image", image },
  ],
  nPredict: 2,
});

/** The file with damage at a place of its format where it can be detected: not every damaged pixel can. */
function damaged(suffix: string, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (suffix === "jpg") copy.set(randomBytes(16), copy.indexOf(Buffer.from([0xff, 0xc0])) + 4); // frame header
  if (suffix === "png") copy[copy.indexOf("IDAT") + 100]! ^= 1; // a bit under a checksum
  if (suffix === "gif") copy.set(randomBytes(64), copy.length >> 1); // lengths of blocks
  if (suffix === "bmp") copy.writeUInt16LE(7, 28); // bits per pixel
  return copy;
}

describe("images", () => {
  const formats = ["jpg", "png", "gif", "bmp"].map((suffix) => ({
    suffix,
    bytes: readFileSync(fixture(`picture.${suffix}`)),
  }));
  requestCases(
    seeing,
    formats.flatMap(({ suffix, bytes }): Case[] => [
      ...[0.02, 0.3, 0.6, 0.9].map((part): Case => [
        `${suffix}, cut after ${part * 100} %`,
        "IMAGE_DECODE",
        withImage(bytes.subarray(0, Math.ceil(bytes.length * part))),
      ]),
      [
        `${suffix}, random bytes behind the magic number`,
        "IMAGE_DECODE|IMAGE_TOO_LARGE",
        withImage(Buffer.concat([bytes.subarray(0, suffix === "bmp" ? 2 : 8), randomBytes(4096)])),
      ],
      [`${suffix}, damaged inside`, "IMAGE_DECODE|IMAGE_TOO_LARGE", withImage(damaged(suffix, bytes))],
    ]),
  );

  requestCases(seeing, [
    ["empty", "IMAGE_DECODE", withImage(new Uint8Array())],
    ["text", "IMAGE_DECODE", withImage(Buffer.from("This is not an image at all."))],
    ["sound", "IMAGE_DECODE", withImage(Buffer.from("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0"))],
    ["WebP", "IMAGE_DECODE", withImage(Buffer.from("RIFF\x24\0\0\0WEBPVP8 \x10\0\0\0\x01\0\x01\0"))],
    ["PDF", "IMAGE_DECODE", withImage(Buffer.from("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"))],
    ["a missing file", "IMAGE_NOT_FOUND", withImage("/no/such/image.png")],
    ["a folder", "IMAGE_NOT_FOUND", withImage(cacheDir)],
    ["a number", "INVALID_ARGUMENT", withImage(42)],
    ["100 megapixels in half a megabyte", "IMAGE_TOO_LARGE", withImage(whitePng(10_000, 10_000))],
    ["more bytes than allowed", "IMAGE_TOO_LARGE", withImage(Buffer.alloc((64 << 20) + 1))],
  ]);

  requestCases(good, [["without a projector", "NO_VISION", withImage(readFileSync(fixture("picture.png")))]]);
});

describe("prompts", () => {
  const long = "bat ".repeat(600);
  requestCases(seeing, [
    ["longer than the context", "CONTEXT_FULL", { prompt: long }],
    [
      "longer than the context through their images",
      "CONTEXT_FULL",
      {
        prompt: Array.from({ length: 9 }, () => ({
          type: "image",
          image: readFileSync(fixture("picture.png")),
        })),
      },
    ],
    ["empty list", "INVALID_ARGUMENT", { prompt: [] }],
    ["of a wrong type", "INVALID_ARGUMENT", { prompt: 42 }],
    ["missing", "INVALID_ARGUMENT", {}],
    ["with an unknown part", "INVALID_ARGUMENT", { prompt: [{ type: "audio", audio: "x" }] }],
  ]);
});

describe("options of a load", () => {
  const cases: [string, unknown[]][] = [
    ["nCtx", [NaN, -1, 0, 1.5, Infinity, "4096"]],
    ["nCtxPerRequest", [NaN, -1, 0.5]],
    ["batchSize", [NaN, 0, -4, 257, 2.5]],
    ["nBatch", [NaN, -1]],
    ["nUbatch", [NaN, 0, -512, 1e10]],
    ["nThreads", [NaN, -1, 1.5, 1e6, "two"]],
    ["nGpuLayers", [NaN, 1.5, "all"]],
    ["splitMode", ["diagonal", 1]],
    ["tensorSplit", [[NaN], [-1], "1,1", [Infinity]]],
    ["kv", [{ type: "f8" }, "f16", { size: 1 }]],
    ["model", [42, "", {}]],
    ["mmproj", [42]],
    ["signal", ["stop"]],
    ["onProgress", [42]],
    ["nContext", [4096]],
  ];
  loadCases([
    ...cases.flatMap(([option, values]) =>
      values.map((value): Case => [
        `${option}: ${JSON.stringify(value) ?? String(value)} ${Number.isNaN(value) ? "(NaN)" : ""}`,
        "INVALID_ARGUMENT",
        { ...good, [option]: value },
      ]),
    ),
    ["nCtx beyond any memory", "INVALID_ARGUMENT|OUT_OF_MEMORY", { ...good, nCtx: 2 ** 31 - 1 }],
  ]);
});

describe("options of a request", () => {
  const sampling: [string, unknown[]][] = [
    ["temperature", [NaN, Infinity, -Infinity, 101, "warm"]],
    ["topK", [NaN, 1.5, -2, Infinity]],
    ["topP", [NaN, -0.1, 1.1]],
    ["minP", [NaN, -0.1, 1.1]],
    ["minKeep", [NaN, -1]],
    ["repeatPenalty", [NaN, 0, -1, Infinity]],
    ["repeatLastN", [NaN, -2, 1.5]],
    ["penalizeNl", [1]],
    ["seed", [NaN, -2, 2 ** 32, 1.5]],
    ["temprature", [1]],
  ];
  const others: [string, unknown[]][] = [
    ["nPredict", [NaN, -2, 1.5, "many"]],
    ["stopStrings", [[""], [42], "stop"]],
    ["stopRegexes", [["("], [42], ["a*"], ["(?=a)b"], "stop"]],
    ["thinkingTags", [true, { open: "<think>" }, { open: "", close: "" }]],
    ["ignoreEos", ["yes"]],
    ["priority", [NaN, 0.5]],
    ["signal", ["stop"]],
    ["sampling", [42, null]],
    ["npredict", [4]],
  ];
  const name = (option: string, value: unknown): string =>
    `${option}: ${typeof value === "number" ? String(value) : JSON.stringify(value)}`;
  requestCases(good, [
    ...sampling.flatMap(([option, values]) =>
      values.map((value): Case => [
        name(`sampling.${option}`, value),
        "INVALID_ARGUMENT",
        { prompt: "bat", nPredict: 2, sampling: { [option]: value } },
      ]),
    ),
    ...others.flatMap(([option, values]) =>
      values.map((value): Case => [
        name(option, value),
        "INVALID_ARGUMENT",
        { prompt: "bat", nPredict: 2, [option]: value },
      ]),
    ),
  ]);
});
