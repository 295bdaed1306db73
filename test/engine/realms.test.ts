/** Values from another realm, and the library itself in one: `instanceof` is false for all that crosses the border. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type * as api from "medinfer";
import { devices, inspectSampling, registerModelAdapter, renderChat } from "medinfer";
import { describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { collect, errorOf, greedy, loadTiny, user } from "./support/engines.js";

const picture = fromRoot("test", "fixtures", "images", "rgb.png");

describe("values of another realm", () => {
  const context = vm.createContext({ bytes: readFileSync(picture), URL, href: pathToFileURL(picture).href });
  const foreign = <T>(code: string): T => vm.runInContext(code, context) as T;

  it("are of another realm", () => {
    expect(foreign("[1]")).not.toBeInstanceOf(Array);
    expect(foreign("new Uint8Array(1)")).not.toBeInstanceOf(Uint8Array);
  });

  it("are taken as images, in every place", async () => {
    await using engine = await loadTiny({ chatTemplate: "vicuna" });
    const image = foreign<Uint8Array>("new Uint8Array(bytes)");
    const text = { type: "text" as const, text: "What is this?" };
    const ask = async (content: api.Content) =>
      (await engine.chat({ messages: [{ role: "user", content }], nPredict: 4, sampling: greedy }).result).text;
    const expected = await ask([{ type: "image", image: picture }, text]);
    expect(await ask([{ type: "image", image }, text])).toBe(expected);
    expect(await ask([{ type: "image", image: foreign("({ href, protocol: 'file:' })") }, text])).toBe(expected);
    expect(
      await ask(foreign<api.Content>(`[{ type: "image", image: new Uint8Array(bytes) }, ${JSON.stringify(text)}]`)),
    ).toBe(expected);
    const { tokens, values, width } = await engine.embedImage(image);
    expect(values).toHaveLength(tokens * width);
    using session = engine.session();
    await session.chat({ content: "this?", images: foreign("[new Uint8Array(bytes)]"), nPredict: 2 }).result;
    const [said] = session.messages;
    expect(Array.isArray(said!.content) && said!.content.some((part) => part.type === "image")).toBe(true);
  });

  it("are taken as tokens, patterns, schemas, signals, rows and options", async () => {
    await using engine = await loadTiny();
    const tokens = engine.tokenize("What is gout?");
    context.tokens = [...tokens];
    expect(engine.detokenize(foreign("Int32Array.from(tokens)"))).toBe("What is gout?");
    expect(engine.detokenize(foreign("tokens.map((id) => id)"))).toBe("What is gout?");
    const sampling = foreign<api.Sampling>(
      "({ temperature: 0, penaltyPrompt: Int32Array.of(1, 2), tokenIdBias: { 5: false } })",
    );
    const options = { messages: user("Hello"), nPredict: 6, sampling };
    const { text } = await engine.chat(options).result;
    expect(text.length).toBeGreaterThan(2);
    const stopped = await engine.chat({ ...options, stopRegexes: foreign("[/[a-z]/]") }).result;
    expect(stopped.finishReason).toBe("stop");
    const jsonSchema = foreign<api.JsonSchema>(
      '({ type: "object", properties: { a: { const: 1 } }, required: ["a"] })',
    );
    expect((await engine.chat({ ...options, sampling: greedy, nPredict: 40, jsonSchema }).result).parsed).toEqual({
      a: 1,
    });
    const rows = foreign<Iterable<{ prompt: string }>>('[{ prompt: "Hello" }, { prompt: "What is gout?" }]');
    expect(await collect(engine.annotate(rows, { nPredict: 2 }))).toHaveLength(2);
    const controller = new AbortController();
    const { signal } = controller;
    context.signal = signal;
    const aborted = engine.chat(
      foreign('({ messages: [{ role: "user", content: "Hello" }], ignoreEos: true, signal })'),
    );
    controller.abort(foreign('new Error("mine")'));
    expect(await errorOf(aborted.result)).toMatchObject({ code: "ABORTED", cause: { message: "mine" } });
    const { token } = await inspectSampling(
      foreign("({ logits: Float32Array.of(1, 9), history: Int32Array.of(0), sampling: { temperature: 0 } })"),
    );
    expect(token).toBe(1);
    registerModelAdapter({ name: "realm", matches: foreign("/no such model/") });
    expect(renderChat("vicuna", foreign('[{ role: "user", content: "Hi" }]')).prompt).toContain("Hi");
  });

  it("are refused by what they are, not by where they come from", async () => {
    await using engine = await loadTiny();
    const refused = [
      () => engine.detokenize(foreign("Float32Array.of(1)")),
      () => engine.detokenize(foreign("new Map()")),
      () => engine.embedImage(foreign("new Uint16Array(bytes)")),
      () => engine.embedImage(foreign("new DataView(new ArrayBuffer(8))")),
      () => engine.chat({ messages: user("Hi"), sampling: { tokenIdBias: foreign("new Map([[1, 2]])") } }).result,
    ];
    for (const call of refused) expect((await errorOf(call)).code).toBe("INVALID_ARGUMENT");
  });
});

/**
 * The library loaded as Jest loads it: every file is compiled in a context that has its own Error, Array and typed arrays,
 * and of Node's globals only those named. Node's modules and the addon are those of the process.
 */
function loadInContext(globals: Record<string, unknown>): typeof api {
  const context = vm.createContext({ ...globals });
  const loaded = new Map<string, { exports: unknown }>();
  const load = (file: string): unknown => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    if (file.endsWith(".json")) {
      module.exports = vm.runInContext(`(${readFileSync(file, "utf8")})`, context) as object;
      return module.exports;
    }
    const real = createRequire(file);
    const require = (name: string) => {
      const found = real.resolve(name);
      return path.isAbsolute(found) && !found.endsWith(".node") ? load(found) : (real(name) as unknown);
    };
    const wrapper = vm.compileFunction(
      readFileSync(file, "utf8"),
      ["exports", "require", "module", "__filename", "__dirname"],
      { filename: file, parsingContext: context },
    );
    wrapper(module.exports, require, module, file, path.dirname(file));
    return module.exports;
  };
  return load(fromRoot("dist", "index.js")) as typeof api;
}

describe("the library in a context of its own", () => {
  // node-gyp-build looks at process; no module has AbortController.
  const { Engine, MedInferError, ...others } = loadInContext({ process, AbortController });

  it("has errors of its own realm, with the addon's codes", async () => {
    const failures: [api.LoadOptions, api.ErrorCode][] = [
      [{ model: "no-such-file.gguf" }, "MODEL_NOT_FOUND"],
      [{ model: picture, mmproj: null }, "BAD_GGUF"],
      [{ nCtx: 512, nCtxPerRequest: 1024 }, "INVALID_ARGUMENT"],
      [{ nCtx: 512, mmproj: picture }, "BAD_MMPROJ"],
    ];
    for (const [options, code] of failures) {
      const error: unknown = await Engine.load(options).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MedInferError);
      expect(error).not.toBeInstanceOf(Error);
      expect(error).toMatchObject({ code });
    }
  });

  it("works", async () => {
    const engine = await Engine.load({ nCtx: 1024, nThreads: 1 });
    const tokens = engine.tokenize("What is gout?");
    expect(tokens).not.toBeInstanceOf(Int32Array); // but of the library's realm
    expect(engine.detokenize(tokens)).toBe("What is gout?");
    const { values } = await engine.embedImage(picture);
    expect(values).not.toBeInstanceOf(Float32Array);
    const request = { messages: user("What is gout?"), sampling: greedy, nPredict: 8 };
    const { text } = await engine.chat(request).result;
    await using plain = await loadTiny();
    expect(text).toBe((await plain.chat(request).result).text);
    const events = await collect(engine.chat(request));
    expect(events.at(-1)).toMatchObject({ type: "done", text });
    const session = engine.session();
    const turn = session.chat({ content: "Hello", images: [new Uint8Array(readFileSync(picture))], nPredict: 2 });
    expect((await turn.result).usage.imageTokens).toBeGreaterThan(0);
    session.close();
    const full = engine.chat({ messages: user("word ".repeat(2000)) }).result.catch((error: unknown) => error);
    expect(await full).toMatchObject({ code: "CONTEXT_FULL" });
    await engine.close();
    expect(await engine.chat(request).result.catch((error: unknown) => error)).toMatchObject({ code: "CLOSED" });
    expect(others.devices()).toEqual(devices());
    expect(others.renderChat("zephyr", [{ role: "user", content: "Hi" }]).prompt).toContain("Hi");
  });
});
