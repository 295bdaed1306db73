import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { jsonSchemaToGrammar } from "../../lib/schema/grammar.js";
import { collect, rejection, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon, type FakeEngine } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
let native: FakeEngine;
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load();
  native = addon.engine;
});

const jsonSchema = { type: "object", properties: { a: { type: "integer" } } } as const;
const messages = [{ role: "user", content: "x" }];
const answer = (text: string, reason: "eos" | "stop" | "length" | "context" = "eos") => {
  native.onSubmit = (id) => native.emit(id, nativeEvent.text(text), nativeEvent.done(reason));
  return engine.chat({ messages, jsonSchema }).result;
};

describe("jsonSchema", () => {
  it("goes to the addon as a grammar", async () => {
    const convert = vi.spyOn(addon, "jsonSchemaToGrammar");
    await answer("{}");
    await answer("{}");
    expect(native.requests.get(2)).toMatchObject({ grammar: `grammar of ${JSON.stringify(jsonSchema)}` });
    expect(convert.mock.calls.length).toBeLessThanOrEqual(1); // the same schema again
  });

  it("gives the value of a complete answer, in the result and in the last event", async () => {
    expect(await answer('{"a": 1}')).toMatchObject({ text: '{"a": 1}', parsed: { a: 1 } });
    const events = await collect(engine.chat({ messages, jsonSchema }));
    expect(events.at(-1)).toMatchObject({ type: "done", parsed: { a: 1 } });
  });

  it.each(["stop", "length", "context"] as const)("gives no value of an answer cut off by %s", async (reason) => {
    expect((await answer("12", reason)).parsed).toBeUndefined();
  });

  it("gives no value where the text is no JSON", async () => {
    expect(await answer("{")).toMatchObject({ finishReason: "eos", parsed: undefined });
  });

  it("gives none where no schema is asked for", async () => {
    native.onSubmit = (id) => native.emit(id, nativeEvent.text("1"), nativeEvent.done());
    expect((await engine.chat({ messages, grammar: "g" }).result).parsed).toBeUndefined();
    expect(native.requests.get(1)).toMatchObject({ grammar: "g" });
  });

  it("comes with every row", async () => {
    native.onSubmit = (id) => native.emit(id, nativeEvent.text(id === 2 ? "{" : '{"a": 2}'), nativeEvent.done());
    const results = await collect(engine.annotate([{ prompt: "x" }, { prompt: "y" }], { jsonSchema }));
    expect(results.map(({ parsed }) => parsed)).toEqual([{ a: 2 }, undefined]);
  });

  it("is refused beside a grammar, where it is no object, and where the addon says so", async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const wrong: [object, string, RegExp][] = [
      [{ grammar: "g", jsonSchema }, "grammar", /beside jsonSchema/],
      [{ jsonSchema: [] }, "jsonSchema", /an object/],
      [{ jsonSchema: "{}" }, "jsonSchema", /an object/],
      [{ jsonSchema: cycle }, "jsonSchema.self", /holds itself/],
      [{ jsonSchema: { uniqueItems: true } }, "jsonSchema", /# has the keyword uniqueItems/],
      [{ grammar: "" }, "grammar", /not empty/],
    ];
    for (const [options, path, message] of wrong) {
      const error = await rejection(engine.chat({ messages, ...options }).result);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path }] });
      expect((error as Error).message).toMatch(message);
    }
    expect(thrown(() => jsonSchemaToGrammar({ uniqueItems: true }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
