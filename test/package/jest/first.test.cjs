// A user's tests in Jest, which runs them, and the package, in a context of its own.
const { readFileSync } = require("node:fs");
const { Engine, MedInferError, devices, inspectSampling, renderChat } = require("medinfer");

const picture = process.env.PICTURE;
const messages = [{ role: "user", content: "What is gout?" }];
const greedy = { temperature: 0 };
let engine;

beforeAll(async () => {
  engine = await Engine.load({ nCtx: 1024, nThreads: 1, chatTemplate: "vicuna" });
});
afterAll(() => engine.close());

const failure = (promise) => promise.then(() => undefined).catch((error) => error);

test("errors have their codes", async () => {
  const failures = [
    [() => Engine.load({ model: "no-such-file.gguf" }), "MODEL_NOT_FOUND"],
    [() => Engine.load({ model: picture, mmproj: null }), "BAD_GGUF"],
    [() => Engine.load({ nCtx: 512, nCtxPerRequest: 1024 }), "INVALID_ARGUMENT"],
    [() => engine.chat({ messages: [{ role: "user", content: "word ".repeat(2000) }] }).result, "CONTEXT_FULL"],
    [() => engine.chat({ messages, sampling: { topP: 2 } }).result, "INVALID_ARGUMENT"],
    [() => engine.embedImage(new Uint8Array([1, 2, 3])), "IMAGE_DECODE"],
    [() => engine.restoreSession("/no/such/file"), "BAD_SESSION"],
  ];
  for (const [call, code] of failures) {
    const error = await failure(call());
    expect(error).toBeInstanceOf(MedInferError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code });
    expect(["INTERNAL", undefined]).not.toContain(error.code);
  }
  await expect(engine.chat({ messages, nPredict: -7 }).result).rejects.toThrow(MedInferError);
});

test("tokens and embeddings are arrays of this realm", async () => {
  const tokens = engine.tokenize("What is gout?");
  expect(tokens).toBeInstanceOf(Int32Array);
  expect(tokens).toStrictEqual(Int32Array.from([...tokens]));
  expect(engine.detokenize(tokens)).toBe("What is gout?");
  expect(engine.detokenize([...tokens])).toBe("What is gout?");
  const { values, tokens: rows, width } = await engine.embedImage(picture);
  expect(values).toBeInstanceOf(Float32Array);
  expect(values).toHaveLength(rows * width);
  const { token } = await inspectSampling({ logits: Float32Array.of(1, 9), sampling: greedy });
  expect(token).toBe(1);
});

test("images come as bytes, buffers, paths and URLs", async () => {
  const bytes = readFileSync(picture);
  const { pathToFileURL } = require("node:url");
  const sources = [picture, bytes, new Uint8Array(bytes), pathToFileURL(picture), new URL(pathToFileURL(picture).href)];
  const texts = [];
  for (const image of sources) {
    const content = [
      { type: "image", image },
      { type: "text", text: "What is this?" },
    ];
    const { text, usage } = await engine.chat({ messages: [{ role: "user", content }], sampling: greedy, nPredict: 4 })
      .result;
    expect(usage.imageTokens).toBeGreaterThan(0);
    texts.push(text);
  }
  expect(new Set(texts).size).toBe(1);
});

test("patterns, signals, sessions and rows", async () => {
  const { finishReason, usage } = await engine.chat({ messages, sampling: greedy, stopRegexes: [/[a-z]/] }).result;
  expect(finishReason).toBe("stop");
  expect(usage).toStrictEqual({ ...usage });
  const controller = new AbortController();
  const aborted = engine.chat({ messages, ignoreEos: true, signal: controller.signal });
  controller.abort(new Error("mine"));
  expect(await failure(aborted.result)).toMatchObject({ code: "ABORTED", cause: { message: "mine" } });
  const session = engine.session({ onContextFull: "dropOldestTurns" });
  for (let i = 0; i < 3; i++) await session.chat({ content: "word ".repeat(200), nPredict: 4 }).result;
  expect((await session.chat({ content: "word ".repeat(200), nPredict: 4 }).result).droppedTurns).toBeGreaterThan(0);
  session.close();
  const rows = [];
  for await (const row of engine.annotate([{ prompt: "Hello" }], { nPredict: 2 })) rows.push(row);
  expect(rows).toHaveLength(1);
  expect(rows[0].error).toBeUndefined();
  expect(devices().map(({ backend }) => backend)).toContain("cpu");
  expect(renderChat("zephyr", messages).prompt).toContain("What is gout?");
});

test("loads and answers under fake timers", async () => {
  jest.useFakeTimers();
  try {
    const second = await Engine.load({ nCtx: 512, nThreads: 1 });
    const { text } = await second.complete({ prompt: "Extract", nPredict: 2 }).result;
    expect(text.length).toBeGreaterThan(0);
    await second.close();
  } finally {
    jest.useRealTimers();
  }
});

test("loads again after resetModules", async () => {
  jest.resetModules();
  const again = require("medinfer");
  expect(again.Engine).not.toBe(Engine);
  const error = await failure(again.Engine.load({ model: "no-such-file.gguf" }));
  expect(error).toBeInstanceOf(again.MedInferError);
  expect(error.code).toBe("MODEL_NOT_FOUND");
});
