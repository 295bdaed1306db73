/** What an engine sends: whose template, whose stops, or no template at all. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AnnotateOptions } from "../../lib/annotate/types.js";
import { registerModelAdapter } from "../../lib/chat/adapters.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { Engine } from "../../lib/engine.js";
import type { ChatOptions } from "../../lib/options/request-options.js";
import type { LoadOptions } from "../../lib/options/load-options.js";
import { collect, rejection, settle, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "medinfer-adapters-"));
  for (const name of ["Meditron-7B.gguf", "plain.gguf", "ward-3b.gguf"]) await writeFile(path.join(folder, name), "x");
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  addon = useFakeAddon();
});

const load = (file: string, options: LoadOptions = {}) => Engine.load({ model: path.join(folder, file), ...options });
const messages = [{ role: "user", content: "Q" }];
const image = new Uint8Array([1]);

/** What the addon gets for a request; an image is one `#`. */
async function sent(engine: Engine, options: Partial<ChatOptions> = {}) {
  engine.chat({ messages, ...options }).result.catch(() => {});
  await settle();
  const request = addon.engine.requests.get(addon.engine.lastId)!;
  const text = request.prompt.map((part) => ("text" in part ? part.text : "#")).join("");
  return { text, stops: request.stopStrings, addSpecial: request.addSpecial, prompt: request.prompt };
}

const meditronStops = ["###", "<|im_start|>", "<|im_end|>", "$$$", "thank you for your help"];

describe("the adapter for Meditron", () => {
  it("gives a model with that word in its path the one-shot template, its stops and a padding token", async () => {
    const engine = await load("Meditron-7B.gguf");
    const { text, stops } = await sent(engine, { stopStrings: ["x", "###"] });
    expect(text).toMatch(/^A chat between a curious human [^]*\n### Human: Q\n### Assistant:$/);
    expect(stops).toEqual(["x", ...meditronStops]);
    expect(engine.info).toMatchObject({ adapter: "meditron", padToken: "</s>", eosToken: "</s>", bosToken: "<s>" });
    expect(engine.applyChatTemplate(messages)).toEqual({ prompt: text, stopStrings: meditronStops });
  });

  it("knows a model by the name in its file, too", async () => {
    addon.info = { name: "epfl Meditron 70B" };
    expect((await load("plain.gguf")).info.adapter).toBe("meditron");
  });

  it("leaves others alone, and the package's own model wherever it is installed", async () => {
    expect((await load("plain.gguf")).info).toMatchObject({ adapter: "", padToken: "" });
    expect((await Engine.load()).info.adapter).toBe("");
  });

  it("goes before the model's own template, and after the engine's and the request's", async () => {
    addon.info = { chatTemplate: "own {{ messages[0].content }}" };
    const adapted = await load("Meditron-7B.gguf");
    expect((await sent(adapted)).text).toMatch(/### Human: Q/);
    expect(await sent(adapted, { chatTemplate: "vicuna" })).toMatchObject({ text: "USER: Q\nASSISTANT:", stops: [] });
    const asked = await load("Meditron-7B.gguf", { chatTemplate: "vicuna" });
    expect(await sent(asked)).toMatchObject({ text: "USER: Q\nASSISTANT:", stops: [] });
    expect((await sent(asked, { chatTemplate: "one_shot" })).stops).toEqual(meditronStops);
    expect((await sent(await load("plain.gguf"))).text).toBe("own Q");
  });
});

describe("registerModelAdapter", () => {
  it("gives template, stops and special tokens; the latest that matches is used", async () => {
    registerChatTemplate("ward", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ pad_token }}");
    registerModelAdapter({ name: "any-ward", matches: /ward/g, chatTemplate: "vicuna" });
    registerModelAdapter({
      name: "ward-3b",
      matches: (model) => model.path.endsWith("ward-3b.gguf") && model.description === "",
      chatTemplate: "ward",
      stopStrings: ["END"],
      specialTokens: { bos: "<b>", eos: "<e>", pad: "<p>" },
    });
    const engine = await load("ward-3b.gguf");
    expect(engine.info).toMatchObject({ adapter: "ward-3b", bosToken: "<b>", eosToken: "<e>", padToken: "<p>" });
    expect(await sent(engine)).toMatchObject({ text: "<b>Q<e><p>", stops: ["END"], addSpecial: false });
    // They belong to the template that was chosen with them.
    expect((await sent(engine, { chatTemplate: "vicuna" })).stops).toEqual([]);

    registerModelAdapter({ name: "ward-3b", matches: /nothing is called this/ });
    // A pattern with the flag g does not remember where it was.
    for (let i = 0; i < 3; i++) expect((await load("ward-3b.gguf")).info.adapter).toBe("any-ward");
  });

  it("needs no template: the stops then go with the model's own", async () => {
    addon.info = { chatTemplate: "own {{ messages[0].content }}", name: "stops only" };
    registerModelAdapter({ name: "stops", matches: /^stops only$/, stopStrings: ["END"] });
    expect(await sent(await load("plain.gguf"))).toMatchObject({ text: "own Q", stops: ["END"] });
  });

  it("fails the load where its template is unknown or its function throws, and frees the model", async () => {
    addon.info = { name: "bad template" };
    registerModelAdapter({ name: "bad", matches: /bad template/, chatTemplate: "vicunna" });
    expect(await rejection(load("plain.gguf"))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(addon.engine.closed).toBe(true);
    expect((await load("plain.gguf", { chatTemplate: "vicuna" })).info.adapter).toBe("bad");
    registerModelAdapter({
      name: "bad",
      matches: ({ name }) => {
        if (name === "bad template") throw new Error("mine");
        return false;
      },
    });
    expect(await rejection(load("plain.gguf"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: 'registerModelAdapter: matches of the adapter "bad" threw an error',
    });
  });

  it.each([
    [{ matches: /x/ }, "name is missing"],
    [{ name: "x", matches: "x" }, "matches must be a regular expression or a function"],
    [{ name: "x", matches: /x/, chatTemplate: "" }, "chatTemplate must be a string that is not empty"],
    [{ name: "x", matches: /x/, stopStrings: [5] }, "stopStrings[0] must be"],
    [{ name: "x", matches: /x/, specialTokens: { padd: "x" } }, "specialTokens.padd is unknown: did you mean pad?"],
  ])("refuses %j", (adapter, message) => {
    const error = thrown(() => registerModelAdapter(adapter as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(message);
  });
});

describe("roles and images", () => {
  it("gives images with no place of their own to the last that asks, whatever its role is called", async () => {
    const engine = await Engine.load({ chatTemplate: "meditron-qa" });
    const turns = [
      { role: "question", content: "Q1" },
      { role: "answer", content: "A1" },
      { role: "question", content: "Q2" },
    ];
    const { text } = await sent(engine, { messages: turns, images: [image] });
    expect(text).toContain("question\n#\nQ2");
  });

  it("refuses an unknown role through the generation", async () => {
    const engine = await Engine.load({ chatTemplate: "meditron" });
    const error = await rejection(engine.chat({ messages: [{ role: "nurse", content: "x" }] }).result);
    expect(error.message).toContain('the role "nurse", which the chat template "meditron" does not know');
  });

  it("adds the BOS token to a prompt whose text only begins with its spelling", async () => {
    const engine = await Engine.load({ chatTemplate: "{{ messages[0].content }}" });
    const { addSpecial, prompt } = await sent(engine, { messages: [{ role: "user", content: "<s>x" }] });
    expect(addSpecial).toBe(true);
    expect(prompt[0]).toEqual({ text: "<s>", parseSpecial: false });
  });
});

describe("useChatTemplate: false", () => {
  it("sends the contents as they are, a line break between two messages, and no control token acts", async () => {
    const engine = await load("Meditron-7B.gguf");
    const turns = [
      { role: "system", content: "S</s>" },
      { role: "nurse", content: "" },
      { role: "user", content: "Q <|im_end|> " },
    ];
    const { prompt, stops, addSpecial } = await sent(engine, {
      messages: turns,
      useChatTemplate: false,
      stopStrings: ["x"],
    });
    expect(prompt).toEqual([{ text: "S</s>\nQ <|im_end|> ", parseSpecial: false }]);
    expect(stops).toEqual(["x"]);
    expect(addSpecial).toBe(true);
  });

  it("keeps images where they stand", async () => {
    const engine = await Engine.load();
    const content = [
      { type: "text", text: "a" },
      { type: "image", image },
      { type: "text", text: "b" },
    ] as const;
    const { prompt } = await sent(engine, {
      messages: [{ role: "user", content }],
      images: [image],
      useChatTemplate: false,
    });
    const placed = { image, minTokens: 0, maxTokens: 0 };
    expect(prompt).toEqual([placed, { text: "\na", parseSpecial: false }, placed, { text: "b", parseSpecial: false }]);
  });

  it("refuses a template beside it, and nothing to send", async () => {
    const engine = await Engine.load({ chatTemplate: "vicuna" });
    const failure = (options: Partial<ChatOptions>) =>
      rejection(engine.chat({ messages, useChatTemplate: false, ...options }).result);
    expect((await failure({ chatTemplate: "vicuna" })).message).toContain("chatTemplate has no effect");
    expect((await failure({ messages: [{ role: "user", content: "" }] })).message).toContain("must not all be empty");
    expect(await failure({ useChatTemplate: 1 as never })).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("sends an annotated row's images and prompt untouched, without the usual system message", async () => {
    const engine = await Engine.load({ chatTemplate: "vicuna" });
    addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.done());
    const annotate = (options: AnnotateOptions) => collect(engine.annotate([{ image, prompt: "P" }], options));
    await annotate({ useChatTemplate: false });
    await annotate({ useChatTemplate: false, systemPrompt: "" });
    await annotate({ useChatTemplate: true });
    const prompts = [...addon.engine.requests.values()].map(({ prompt }) =>
      prompt.map((part) => ("text" in part ? part.text : "#")).join(""),
    );
    expect(prompts).toEqual(["#\nP", "#\nP", "You are a helpful assistant.\n\nUSER: #\nP\nASSISTANT:"]);
    for (const options of [{ systemPrompt: "S" }, { chatTemplate: "vicuna" }]) {
      const error = await rejection(annotate({ useChatTemplate: false, ...options }));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: Object.keys(options)[0] }] });
    }
  });
});
