/** Answers that are brought to their end before their tokens run out. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorOf, loadTiny, user } from "./support/engines.js";

const jsonSchema = {
  type: "object",
  properties: {
    name: { type: "string" },
    dose: { type: "number" },
    unit: { enum: ["mg", "ml"] },
    notes: { type: "array", items: { type: "string" } },
  },
  required: ["name", "dose", "unit"],
} as const;
const isValid = new Ajv2020().compile(jsonSchema);
/** Random enough that most answers are far too long. */
const sampling = (seed: number) => ({ temperature: 2, topK: 0, topP: 1, minP: 0, seed });
const messages = user("Who takes what?");

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ nCtx: 2048, batchSize: 8, nCtxPerRequest: 256 });
});
afterAll(() => engine.close());

/** How many tokens the shortest answer takes, as the error of a smaller limit says. */
async function shortest() {
  const error = await errorOf(engine.chat({ messages, jsonSchema, closeAtLimit: true, nPredict: 1 }).result);
  return Number(/^nPredict must be at least (\d+) here: /.exec(error.message)![1]);
}

describe("closeAtLimit", () => {
  it("gives valid answers at any limit that holds the shortest one, and says that they were cut", async () => {
    const least = await shortest();
    const answers = await Promise.all(
      Array.from({ length: 80 }, async (_, i) => {
        const nPredict = least + (i % 40);
        const options = { messages, jsonSchema, closeAtLimit: true, nPredict, sampling: sampling(i) };
        return { nPredict, ...(await engine.chat(options).result) };
      }),
    );
    for (const { text, nPredict, usage, finishReason, parsed } of answers) {
      expect(isValid(JSON.parse(text)), text).toBe(true);
      expect(usage.completionTokens).toBeLessThanOrEqual(nPredict);
      // Nobody is to take for said what was only filled in.
      expect(parsed !== undefined).toBe(finishReason === "eos");
    }
    expect(answers.filter(({ finishReason }) => finishReason === "length").length).toBeGreaterThan(40);
  });

  it("leaves an answer that has room as it is", async () => {
    const options = { messages, grammar: 'root ::= [a-c]{4,9} "."', sampling: sampling(5), nPredict: 100 };
    const free = await engine.chat(options).result;
    const closed = await engine.chat({ ...options, closeAtLimit: true }).result;
    expect([closed.text, closed.finishReason]).toEqual([free.text, "eos"]);
  });

  it("closes before the context is full", async () => {
    const options = { jsonSchema, closeAtLimit: true, ignoreEos: true };
    const long = user("gout ".repeat(60));
    const ends = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      const answer = await engine.chat({ ...options, messages: long, sampling: sampling(seed) }).result;
      expect(isValid(JSON.parse(answer.text)), answer.text).toBe(true);
      ends.add(answer.finishReason);
    }
    expect(ends).toContain("context");
    // Of its 256 tokens it leaves some, and not enough.
    const almost = (words: number) => user("gout ".repeat(words));
    let words = 60;
    while (engine.tokenize(engine.applyChatTemplate(almost(words)).prompt, { addSpecial: true }).length < 244)
      words += 1;
    const full = await errorOf(engine.chat({ ...options, messages: almost(words) }).result);
    expect([full.code, full.message]).toEqual([
      "CONTEXT_FULL",
      expect.stringMatching(
        /^an answer that the grammar or schema allows takes up to \d+ tokens to be brought to its end, and \d+ are/,
      ),
    ]);
    const endless = { type: "array", items: { type: "integer" }, minItems: 600_000 };
    const tooLong = await errorOf(engine.chat({ ...options, messages, jsonSchema: endless }).result);
    expect([tooLong.code, tooLong.message]).toEqual(["INVALID_ARGUMENT", expect.stringContaining("1048576 bytes")]);
  });

  it("closes each of several choices, streamed or not, and a session's turns", async () => {
    const nPredict = (await shortest()) + 6;
    const options = { messages, jsonSchema, closeAtLimit: true, nPredict, sampling: sampling(2) };
    let streamed = "";
    for await (const event of engine.chat(options)) if (event.type === "text") streamed += event.text;
    const { choices } = await engine.chat({ ...options, n: 5 }).result;
    expect(streamed).toBe(choices![0]!.text);
    for (const { text } of choices!) expect(isValid(JSON.parse(text)), text).toBe(true);
  });

  it("completes nothing that the model calls", async () => {
    const tools = [{ name: "give", parameters: jsonSchema }];
    const options = { messages, tools, toolChoice: "required", jsonSchema, closeAtLimit: true } as const;
    await using larger = await loadTiny({ nCtx: 2048 });
    const { toolCalls, finishReason } = await larger.chat({ ...options, nPredict: 6, sampling: sampling(3) }).result;
    expect([toolCalls, finishReason]).toEqual([[], "length"]);
  });

  it("needs a form, and room for its shortest text", async () => {
    const nothing = await errorOf(Promise.resolve().then(() => engine.chat({ messages, closeAtLimit: true }).result));
    expect([nothing.code, nothing.message]).toEqual([
      "INVALID_ARGUMENT",
      "engine.chat: closeAtLimit needs jsonSchema or grammar: only a form can be brought to its end",
    ]);
    const options = { messages, grammar: 'root ::= "abcdefghijklmnopqrstuvwxyz"', closeAtLimit: true, nPredict: 2 };
    const short = await errorOf(engine.chat(options).result);
    expect([short.code, short.message]).toEqual([
      "INVALID_ARGUMENT",
      expect.stringMatching(/^nPredict must be at least \d+ here: .* \(got 2\)$/),
    ]);
    expect((await engine.chat({ ...options, nPredict: 0 }).result).text).toBe("");
  });
});
