// Errors name the place of what is wrong in what the caller has passed, and nothing of what stands there.
import { readFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Engine, jsonSchemaToGrammar, renderChat, type ChatOptions, type MedInferError } from "medinfer";
import { fixture } from "../support/paths.mjs";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ nThreads: 1 });
});
afterAll(() => engine.close());

const name = "Johanna";
const hi = { role: "user", content: "Hi" };
const throwing = <K extends string>(key: K) =>
  Object.defineProperty({}, key, {
    enumerable: true,
    get() {
      throw new Error(name);
    },
  }) as Record<K, never>;
const nested = (levels: number) => {
  let value: object = {};
  for (let i = 1; i < levels; i++) value = { a: value };
  return value;
};

/** What a call fails with. */
async function failure(
  call: () => unknown,
): Promise<Pick<MedInferError, "code" | "message"> & { path: string | undefined }> {
  try {
    await call();
  } catch (error) {
    const { code, message, issues } = error as MedInferError;
    expect(message).not.toContain(name);
    return { code, message, path: issues?.[0]?.path };
  }
  throw new Error("it did not fail");
}
const chat = (options: object) =>
  failure(() => engine.chat({ messages: [hi], nPredict: 1, ...options } as ChatOptions).result);
const withTool = (parameters: object) => ({ tools: [{ name: "a" }, { name: "b", parameters }] });

describe("a getter that throws is an argument that cannot be read:", () => {
  const message = { role: "user", ...{} };
  Object.defineProperty(message, "content", Object.getOwnPropertyDescriptor(throwing("content"), "content")!);
  const messages = [hi, message as unknown as typeof hi];
  test.each<[string, () => unknown, string]>([
    ["engine.chat", () => engine.chat({ messages }).result, "messages[1].content"],
    ["engine.chat, of its options", () => engine.chat(throwing("messages")).result, "messages"],
    ["engine.complete", () => engine.complete(throwing("prompt")).result, "prompt"],
    ["engine.applyChatTemplate", () => engine.applyChatTemplate(messages), "[1].content"],
    ["renderChat", () => renderChat("chatml", messages), "[1].content"],
    ["engine.session", () => engine.session(throwing("system")), "system"],
    ["engine.tokenize", () => engine.tokenize("x", throwing("addSpecial")), "addSpecial"],
    ["Engine.load", () => Engine.load(throwing("model")), "model"],
    [
      "engine.chat, of tools",
      () => engine.chat({ messages: [hi], ...withTool({ properties: throwing("x") }) }).result,
      "tools[1].parameters.properties.x",
    ],
    [
      "engine.chat, of a schema",
      () => engine.chat({ messages: [hi], jsonSchema: throwing("type") }).result,
      "jsonSchema.type",
    ],
  ])("%s", async (_call, call, path) => {
    expect(await failure(call)).toMatchObject({
      code: "INVALID_ARGUMENT",
      path,
      message: expect.stringMatching(/ cannot be read: its getter throws$/),
    });
  });

  test("a proxy that throws is one, too", async () => {
    const proxy = new Proxy({ role: "user", content: "x" }, { ownKeys: () => { throw new Error(name); }, get: () => { throw new Error(name); } }); // prettier-ignore
    expect(await failure(() => engine.applyChatTemplate([hi, proxy]))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path: "[1]",
    });
  });
});

describe("what JSON cannot write", () => {
  const cyclic = { properties: { x: {} } };
  cyclic.properties.x = cyclic.properties;
  test.each<[string, object, string, RegExp]>([
    ["too deep", withTool(nested(5000)), "tools[1].parameters", /is nested too deeply: use at most 128 levels$/],
    ["a level too deep", withTool(nested(129)), "tools[1].parameters", /is nested too deeply: use at most 128 levels$/],
    ["a cycle", withTool(cyclic), "tools[1].parameters.properties.x", /holds itself$/],
    ["a bigint", withTool({ enum: ["x", 1n] }), "tools[1].parameters.enum[1]", /is a bigint, which JSON has not$/],
    ["a schema too deep", { jsonSchema: nested(5000) }, "jsonSchema", /is nested too deeply: use at most 200 levels$/],
    ["a schema's cycle", { jsonSchema: cyclic }, "jsonSchema.properties.x", /holds itself$/],
  ])("%s", async (_what, options, path, message) => {
    expect(await chat(options)).toMatchObject({
      code: "INVALID_ARGUMENT",
      path,
      message: expect.stringMatching(message),
    });
  });

  test("arguments of a call", async () => {
    const call = (value: object) =>
      [hi, { role: "assistant", toolCalls: [{ id: "1", name: "x", arguments: value }] }] as never;
    expect(await failure(() => engine.applyChatTemplate(call(nested(5000))))).toMatchObject({
      path: "[1].toolCalls[0].arguments",
      message: expect.stringContaining("use at most 128 levels"),
    });
    expect(await failure(() => engine.applyChatTemplate(call(throwing("dose"))))).toMatchObject({
      path: "[1].toolCalls[0].arguments.dose",
    });
  });

  test("as deep as it may be it is taken", async () => {
    let schema: object = { type: "string" };
    for (let i = 0; i < 60; i++) schema = { type: "object", properties: { a: schema } };
    const { finishReason } = await engine.chat({ messages: [hi], nPredict: 1, ...withTool(schema) }).result;
    expect(finishReason).toBeDefined();
    expect(engine.applyChatTemplate([hi], withTool(nested(128))).prompt).toContain('"a"');
  });
});

describe("half of a character", () => {
  const half = "\ud800";
  test.each<[string, object, string]>([
    [
      "in a tool's enum",
      withTool({ properties: { x: { enum: ["a", half] } } }),
      "tools[1].parameters.properties.x.enum[1]",
    ],
    ["in a name", withTool({ properties: { [`${half}x`]: {} } }), "tools[1].parameters.properties"],
    ["in a schema", { jsonSchema: { properties: { x: { const: half } } } }, "jsonSchema.properties.x.const"],
    [
      "in one of the tools that may be called",
      { ...withTool({ enum: [half] }), toolChoice: { name: "b" } },
      "tools[1].parameters.enum[0]",
    ],
  ])("%s is told with its place", async (_what, options, path) => {
    expect(await chat(options)).toMatchObject({
      code: "INVALID_ARGUMENT",
      path,
      message: expect.stringContaining("half of a character"),
    });
  });

  test("jsonSchemaToGrammar names it without the name of an option", async () => {
    expect(await failure(() => jsonSchemaToGrammar({ enum: [half] }))).toMatchObject({ path: "enum[0]" });
  });
});

describe("an image that cannot be read", () => {
  const good = readFileSync(fixture("picture.png"));
  const saying = (...images: unknown[]) => ({
    messages: [
      hi,
      { role: "assistant", content: "Hi" },
      {
        role: "user",
        content: [{ type: "text", text: "Read." }, ...images.map((image) => ({ type: "image", image }))],
      },
    ],
  });
  test.each<[string, unknown, string]>([
    ["a file that is not there", "/nowhere.png", "IMAGE_NOT_FOUND"],
    ["no image", Buffer.from("a letter"), "IMAGE_DECODE"],
    ["nothing", new Uint8Array(), "IMAGE_DECODE"],
    ["a web address in a string", "https://example.invalid/x.png", "INVALID_ARGUMENT"],
    ["a URL of another kind", new URL("ftp://example.invalid/x.png"), "INVALID_ARGUMENT"],
    ["a data: URL that is none", "data:image/png;base64,$", "INVALID_ARGUMENT"],
  ])("%s, is told with its place in messages and in images", async (_what, image, code) => {
    const inMessage = await chat(saying(image));
    expect(inMessage).toMatchObject({ code, path: "messages[2].content[1]" });
    expect(inMessage.message).toMatch(/^messages\[2\]\.content\[1\]:? \w/);
    expect(await chat({ images: [image] })).toMatchObject({ code, path: "images[0]" });
    expect(await failure(() => engine.complete({ prompt: "x", images: [{ image } as never] }).result)).toMatchObject({
      code,
      path: "images[0]",
    });
  });

  test("the second of two is told apart where it is loaded, and has no place where the engine decodes it", async () => {
    expect(await chat(saying(good, "/nowhere.png"))).toMatchObject({
      code: "IMAGE_NOT_FOUND",
      path: "messages[2].content[2]",
    });
    const decoded = await chat(saying(good, Buffer.from("a letter")));
    expect(decoded).toMatchObject({ code: "IMAGE_DECODE", path: undefined });
  });
});
