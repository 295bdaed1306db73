/** Messages name the call that the user made, and no other: the library's calls share most of their code. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { registerModelAdapter } from "../../lib/chat/adapters.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { renderChat } from "../../lib/chat/render.js";
import { Engine } from "../../lib/engine.js";
import { inspectSampling } from "../../lib/inspect-sampling.js";
import { jsonSchemaToGrammar } from "../../lib/schema/grammar.js";
import { collect, rejection } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load({ chatTemplate: "chatml" });
});

const messages = [{ role: "user", content: "Hello" }];
const rows = [{ prompt: "Hello" }];
type Given = Record<string, unknown>;

/** The calls that generate, with the options that they all have. */
const generating: [call: string, run: (options: Given) => Promise<unknown>][] = [
  ["engine.chat", (options) => engine.chat({ messages, ...options }).result],
  ["engine.complete", (options) => engine.complete({ prompt: "Hello", ...options }).result],
  ["session.chat", (options) => engine.session().chat({ content: "Hello", ...options }).result],
  ["engine.annotate", (options) => collect(engine.annotate(rows, { onError: "throw", ...options }))],
];

const wrongOptions: [what: string, options: Given][] = [
  ["an unknown option", { nonsense: 1 }],
  ["an option out of its range", { nPredict: -7 }],
  ["several wrong options", { nPredict: -7, priority: "high" }],
  ["a wrong sampling parameter", { sampling: { topP: 2 } }],
  ["sampling parameters without effect", { sampling: { topK: 5, samplers: ["TOP_P"] } }],
  ["a regex that cannot be compiled", { stopRegexes: ["(?=a)b"] }],
  ["a grammar beside a schema", { grammar: "root ::= x", jsonSchema: {} }],
  ["a schema that no grammar keeps", { jsonSchema: { uniqueItems: true } }],
  ["a schema that JSON cannot write", { jsonSchema: { const: 1n } }],
  ["wrong tags", { thinkingTags: { open: "" } }],
];

describe.each(generating)("%s names itself", (call, run) => {
  it.each(wrongOptions)("with %s", async (_what, options) => {
    const { code, message } = await rejection(run(options));
    expect(code).toBe("INVALID_ARGUMENT");
    expect(message).toMatch(new RegExp(`^${call}: `));
    expect(message.split(call)).toHaveLength(2);
  });

  it("where it is aborted, before or in the middle", async () => {
    expect(await rejection(run({ signal: AbortSignal.abort() }))).toMatchObject({
      code: "ABORTED",
      message: `${call} was aborted`,
    });
    const controller = new AbortController();
    addon.engine.onSubmit = (id) => {
      controller.abort();
      addon.engine.emit(id, nativeEvent.failed("ABORTED"));
    };
    expect(await rejection(run({ signal: controller.signal }))).toMatchObject({
      code: "ABORTED",
      message: `${call} was aborted`,
    });
  });
});

describe("a chat names its call", () => {
  const without = async () => {
    addon.info.chatTemplate = "";
    engine = await Engine.load();
  };

  it("where there is no template", async () => {
    await without();
    const message = /^(engine\.chat|engine\.annotate|engine\.session): chatTemplate is needed/;
    expect((await rejection(engine.chat({ messages }).result)).message.match(message)?.[1]).toBe("engine.chat");
    expect((await rejection(collect(engine.annotate(rows, { onError: "throw" })))).message.match(message)?.[1]).toBe(
      "engine.annotate",
    );
    expect(() => engine.session()).toThrow(/^engine\.session: chatTemplate is needed/);
    expect(() => engine.applyChatTemplate(messages)).toThrow(/^engine\.applyChatTemplate: chatTemplate is needed/);
  });

  it("where options have no effect without a template, or on these messages", async () => {
    const plain = { useChatTemplate: false, chatTemplate: "vicuna" };
    const refused: [string, Promise<unknown>][] = [
      ["engine.chat: chatTemplate has", engine.chat({ messages, ...plain }).result],
      ["engine.annotate: chatTemplate has", collect(engine.annotate(rows, plain))],
      ["engine.chat: bestOf must be n", engine.chat({ messages, n: 3, bestOf: 2 }).result],
      ["engine.complete: bestOf must be n", engine.complete({ prompt: "a", n: 3, bestOf: 2 }).result],
      ["engine.chat: minTokens must be at most nPredict (2) (got 3)", engine.chat({ messages, minTokens: 3, nPredict: 2 }).result], // prettier-ignore
      ["engine.complete: prompt must not", engine.complete({ prompt: "" }).result],
      ["engine.chat: messages must not all", engine.chat({ messages: [{ role: "user", content: "" }], useChatTemplate: false }).result], // prettier-ignore
      ["engine.chat: images need", engine.chat({ messages: [{ role: "system", content: "a" }], images: ["a"] }).result],
    ];
    for (const [begin, call] of refused) expect((await rejection(call)).message).toContain(begin);
  });
});

describe("engine.annotate", () => {
  it("names the row that is wrong, in both ways to report it", async () => {
    const mixed = [{ prompt: "a" }, {}, { prompt: 5 }, null, { prompt: "b", image: 7 }, { prompt: "c" }] as never[];
    addon.engine.onSubmit = (id) => addon.engine.emit(id, id === 2 ? nativeEvent.failed("IMAGE_DECODE", "damaged") : nativeEvent.done()); // prettier-ignore
    const results = await collect(engine.annotate(mixed));
    expect(results.map(({ error }) => error?.message)).toEqual([
      undefined,
      "engine.annotate: rows[1]: prompt is missing, in the row and in the options",
      "engine.annotate: rows[2]: prompt must be a string that is not empty (got 5)",
      "engine.annotate: rows[3]: must be an object",
      expect.stringMatching(/^engine\.annotate: rows\[4\]: image must be the bytes/),
      "damaged",
    ]);
    const first = async (given: unknown[], options = {}) =>
      (await rejection(collect(engine.annotate(given as never, { onError: "throw", ...options })))).message;
    expect(await first([{ prompt: "a" }, {}])).toMatch(/^engine\.annotate: rows\[1\]: prompt is missing/);
    addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.failed("IMAGE_DECODE", "damaged"));
    expect(await first([{ prompt: "a" }])).toBe("engine.annotate: rows[0]: damaged");
    expect(await first([{ prompt: "a" }], { jsonSchema: { uniqueItems: true } })).toMatch(/^engine\.annotate: jsonS/);
  });

  it("tells which part of a row has a getter that throws, and goes on", async () => {
    addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.done());
    const own = new Error("own");
    const bad = {
      get prompt(): string {
        throw own;
      },
    };
    const results = await collect(engine.annotate([bad, { prompt: "a" }]));
    expect(results.map(({ error }) => error?.code)).toEqual(["INVALID_ARGUMENT", undefined]);
    expect(results[0]!.error!.message).toContain("prompt cannot be read: its getter throws");
    expect(results[0]!.error!.cause).toBe(own);
  });
});

it("every other call names itself", async () => {
  const session = engine.session();
  const generation = engine.session();
  const running = generation.chat("one").result;
  const calls: [string, () => unknown][] = [
    ["Engine.load", () => Engine.load({ nCtx: 0 })],
    ["Engine.load", () => Engine.load({ model: "https://example.org/a.gguf" })],
    ["engine.session", () => engine.session({ nonsense: 1 } as never)],
    ["session.chat", () => generation.chat("two").result],
    ["session.save", () => session.save(5 as never)],
    ["engine.restoreSession", () => engine.restoreSession("" as never)],
    ["engine.tokenize", () => engine.tokenize(5 as never)],
    ["engine.tokenize", () => engine.tokenize("a", { special: true } as never)],
    ["engine.detokenize", () => engine.detokenize("a" as never)],
    ["engine.detokenize", () => engine.detokenize([1], { parse: true } as never)],
    ["engine.applyChatTemplate", () => engine.applyChatTemplate([])],
    ["engine.applyChatTemplate", () => engine.applyChatTemplate(messages, { nonsense: 1 } as never)],
    ["engine.embedImage", () => engine.embedImage(5 as never)],
    ["engine.embedImage", () => engine.embedImage(new Uint8Array(1), { nonsense: 1 } as never)],
    ["engine.embedImage was aborted", () => engine.embedImage(new Uint8Array(1), { signal: AbortSignal.abort() })],
    ["engine.score", () => engine.score({ candidates: ["a"] } as never)],
    ["engine.score", () => engine.score({ prompt: "a", candidates: [""] })],
    ["session.score", () => session.score({ content: "a", candidates: [] })],
    ["inspectSampling", () => inspectSampling({})],
    ["inspectSampling", () => inspectSampling({ logits: [] })],
    ["jsonSchemaToGrammar", () => jsonSchemaToGrammar({ uniqueItems: true } as never)],
    ["renderChat", () => renderChat("vicuna", [])],
    ["registerChatTemplate", () => registerChatTemplate("a b", () => "")],
    ["registerModelAdapter", () => registerModelAdapter({ name: "" } as never)],
  ];
  for (const [call, run] of calls) {
    const error = await rejection((async () => await run())());
    expect(error.message.startsWith(call), `${call}: ${error.message}`).toBe(true);
  }
  addon.engine.emit(1, nativeEvent.done());
  await running;
});
