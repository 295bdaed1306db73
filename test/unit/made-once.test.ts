/** What a call says once is compiled once: stop regexes, and the grammar of a JSON schema. */
import { beforeEach, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { compileRegex } from "../../lib/stops/compile-regex.js";
import { collect } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));
vi.mock("../../lib/stops/compile-regex.js", { spy: true });

let addon: FakeAddon;
let engine: Engine;
let converted: ReturnType<typeof vi.spyOn>;
beforeEach(async () => {
  addon = useFakeAddon();
  converted = vi.spyOn(addon, "jsonSchemaToGrammar");
  engine = await Engine.load({ chatTemplate: "chatml" });
  const native = addon.engine;
  native.onSubmit = (id, { n }) => {
    for (let i = 0; i < n; i++) native.emit(id + i, nativeEvent.text("some ab"), nativeEvent.done());
  };
  vi.mocked(compileRegex).mockClear();
});

const messages = [{ role: "user", content: "Hello" }];
let last = 0;
/** A schema that nobody has asked for. */
const newSchema = () => ({ const: ++last });

const calls: [call: string, run: (options: object) => Promise<unknown>][] = [
  ["engine.chat", (options) => engine.chat({ messages, ...options }).result],
  ["engine.chat with three choices", (options) => engine.chat({ messages, n: 3, ...options }).result],
  ["engine.chat that may drop turns", (options) => engine.chat({ messages, onContextFull: "dropOldestTurns", ...options }).result], // prettier-ignore
  ["engine.complete", (options) => engine.complete({ prompt: "Hello", n: 2, ...options }).result],
  ["session.chat", (options) => engine.session().chat({ content: "Hello", ...options }).result],
  [
    "engine.annotate with 100 rows",
    async (options) => {
      const answers = await collect(engine.annotate(Array(100).fill({ prompt: "Hello" }), options));
      expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(answers.filter(({ text }) => text === "some ")).toHaveLength(100);
    },
  ],
];

it.each(calls)("%s", async (_call, run) => {
  await run({ stopRegexes: [/a(b)/, "never"], jsonSchema: newSchema() });
  expect(vi.mocked(compileRegex).mock.calls.map(([regex]) => regex)).toEqual([/a(b)/, "never"]);
  expect(converted).toHaveBeenCalledTimes(1);
});

it("two calls of engine.annotate with schemas of their own, row beside row", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ prompt: `p${i}` }));
  await Promise.all([1, 2].map(() => collect(engine.annotate(rows, { jsonSchema: newSchema() }))));
  expect(addon.engine.requests.size).toBe(200);
  expect(converted).toHaveBeenCalledTimes(2);
});

it("completions share a program and keep their own place in the text", async () => {
  const native = addon.engine;
  native.onSubmit = (id) => {
    native.emit(id, nativeEvent.text("one a"));
    native.emit(id + 1, nativeEvent.text("two a"));
    native.emit(id + 1, nativeEvent.text("c"), nativeEvent.done());
    native.emit(id, nativeEvent.text("b"), nativeEvent.done());
  };
  const { choices } = await engine.chat({ messages, n: 2, stopRegexes: ["ab"] }).result;
  expect(choices!.map(({ text, finishReason }) => [text, finishReason])).toEqual([
    ["one ", "stop"],
    ["two ac", "eos"],
  ]);
});
