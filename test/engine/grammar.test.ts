/** GBNF grammars, with everything else that a request can have. */
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModel } from "../support/random-model.mjs";
import { collect, errorOf } from "./support/engines.js";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: tinyModel(), nThreads: 2, nCtx: 4096, batchSize: 8 });
});
afterAll(() => engine.close());

const yesOrNo = 'root ::= "yes" | "no"';
const numbers = 'root ::= item ("," item){2}\nitem ::= [0-9]{1,3}  # up to three digits';
const hot = (seed: number) => ({ temperature: 1, topK: 0, topP: 1, minP: 0, seed });
const ask = (grammar: string, more: object = {}) => engine.complete({ prompt: "bat dog", grammar, ...more }).result;

describe("grammar", () => {
  it.each([{ temperature: 0 }, hot(1), hot(2), { temperature: 0.8, topK: 1 }, { temperature: 1, topP: 0.01 }])(
    "is followed with %j",
    async (sampling) => {
      const { text, finishReason, parsed } = await ask(yesOrNo, { sampling });
      expect(["yes", "no"]).toContain(text);
      expect(finishReason).toBe("eos");
      expect(parsed).toBeUndefined();
      expect((await ask(numbers, { sampling })).text).toMatch(/^\d{1,3}(,\d{1,3}){2}$/);
    },
  );

  it("ends where it is complete, also where the end of the turn cannot be drawn", async () => {
    const result = await ask(yesOrNo, { ignoreEos: true, nPredict: 50 });
    expect(["yes", "no"]).toContain(result.text);
    expect(result.finishReason).toBe("eos");
  });

  it("is cut off by nPredict", async () => {
    const { text, finishReason } = await ask('root ::= "abc"{50}', { nPredict: 5 });
    expect(finishReason).toBe("length");
    expect("abc".repeat(50).startsWith(text)).toBe(true);
    expect(await ask(yesOrNo, { nPredict: 0 })).toMatchObject({ text: "", finishReason: "length" });
  });

  it("stands beside stop strings", async () => {
    const stopped = await ask('root ::= "one; two; three"', { stopStrings: ["; tw"] });
    expect(stopped).toMatchObject({ text: "one", finishReason: "stop", stopString: "; tw", parsed: undefined });
    const whole = await ask('root ::= "one; two"', { stopStrings: ["three"] });
    expect(whole).toMatchObject({ text: "one; two", finishReason: "eos" });
    const last = await ask('root ::= "one; two"', { stopStrings: ["two"] });
    expect(last).toMatchObject({ text: "one; ", finishReason: "stop" });
  });

  it("leaves the other requests of the batch as they are", async () => {
    const free = { prompt: "cat pig", sampling: { temperature: 0 }, nPredict: 20 };
    const alone = await engine.complete(free).result;
    const [among, ...constrained] = await Promise.all([
      engine.complete(free).result,
      ...Array.from({ length: 7 }, (_, seed) => ask(numbers, { sampling: hot(seed) })),
    ]);
    expect(among!.text).toBe(alone.text);
    for (const { text } of constrained) expect(text).toMatch(/^\d{1,3}(,\d{1,3}){2}$/);
    const again = await ask(numbers, { sampling: hot(3) });
    expect(again.text).toBe(constrained[3]!.text);
  });

  it("survives that its request gives way to others", async () => {
    const small = await Engine.load({ model: tinyModel(), nThreads: 2, nCtx: 96, nCtxPerRequest: 90, batchSize: 4 });
    try {
      // Long enough that they meet: requests are prepared one after the other, and later where all cores are busy.
      const grammar = 'root ::= ("[" [a-f] "]"){26}';
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, seed) => small.complete({ prompt: "bat", grammar, sampling: hot(seed) }).result),
      );
      for (const { text } of results) expect(text).toMatch(/^(\[[a-f]\]){26}$/);
      expect(small.stats().preemptions).toBeGreaterThan(0);
    } finally {
      await small.close();
    }
  });

  it("can be aborted in the middle", async () => {
    const generation = engine.complete({ prompt: "bat", grammar: 'root ::= "ab" root', nPredict: 2000 });
    for await (const event of generation) if (event.type === "text") break;
    expect(await errorOf(generation.result)).toMatchObject({ code: "ABORTED" });
    expect(await ask(yesOrNo)).toMatchObject({ finishReason: "eos" });
  });

  it("takes characters that the vocabulary has only as bytes", async () => {
    expect((await ask('root ::= "größe 日本 😀"')).text).toBe("größe 日本 😀");
    for (let seed = 0; seed < 10; seed++) {
      const { text } = await ask("root ::= [^\\x00-\\x7F]{4}", { sampling: hot(seed) });
      expect(text).not.toContain("\uFFFD");
      expect([...text]).toHaveLength(4);
    }
  });

  it("streams", async () => {
    const events = await collect(engine.complete({ prompt: "bat", grammar: numbers }));
    expect(events.at(-1)).toMatchObject({ type: "done", finishReason: "eos" });
  });

  const chain = (n: number) => Array.from({ length: n }, (_, i) => `r${i} ::= r${i + 1} "x" | r${i + 1} "y"`);
  it.each([
    ["nothing that is a grammar", "what?", /::=/],
    ["no root", 'a ::= "x"', /no rule "root"/],
    ["an undefined rule", "root ::= b", /rule b is used and not defined/],
    ["an undefined root", "a ::= root", /rule root is used/],
    ["an open text", 'root ::= "abc', /line 1/],
    ["an open class", "root ::= [abc", /line 1/],
    ["an unknown escape", 'root ::= "a"\nb ::= "\\q"', /line 2/],
    ["left recursion", 'root ::= root "a" | "b"', /left recursion/],
    ["hidden left recursion", 'root ::= a root "c" | "b"\na ::= d\nd ::= "x" | ""', /left recursion/],
    ["a class whose end comes first", 'root ::= "x" | [z-a]', /lower one first.*line 1, column 17/],
    ["a null in a text", 'root ::= "a\\x00"', /null/],
    ["a class of nothing", "root ::= [\\x00]", /holds no character/],
    ["a token beyond the vocabulary", "root ::= <[2000000]>", /token 2000000: the model has only \d+ tokens/],
    ["a count beyond bounds", 'root ::= "a"{1,100000}', /2000/],
    ["counts in the wrong order", 'root ::= "a"{5,3}', /less than its minimum/],
    ["counts that multiply", 'root ::= ("a"{1,2000} "b"{1,2000}){2000}', /repeat|large/],
    ["a long text repeated", `root ::= "${"a".repeat(50_000)}"{2000}`, /too large/],
    ["deep nesting", `root ::= ${"(".repeat(100_000)}"a"${")".repeat(100_000)}`, /nested/],
    ["too much text", `root ::= "${"a".repeat(4_200_000)}"`, /4 MiB/],
    ["exponentially many ways", `root ::= r0\n${chain(40).join("\n")}\nr40 ::= "z"`, /ambiguous/],
    ["a token that is none", "root ::= <nothing-like-it>", /token/],
    ["a null character", 'root ::= "\0"', /null/],
  ])("is refused with %s", async (_what, grammar, message) => {
    const error = await errorOf(ask(grammar));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(400);
  });

  it("ends with an error where the text can be followed in too many ways", async () => {
    const { result } = engine.complete({ prompt: "bat", grammar: 'root ::= "a" root "b" | "a" root "c" | "d"' });
    const outcome = await result.then(
      ({ finishReason }) => finishReason,
      (error: { code: string }) => error.code,
    );
    expect(["eos", "INVALID_ARGUMENT", "context"]).toContain(outcome);
  });

  it("repeats what may be empty", async () => {
    expect((await ask('root ::= ("a"* "b"?)* ";"', { nPredict: 400, sampling: hot(4) })).text).toMatch(/^[ab]*;?$/);
  });

  it("cannot stand beside a schema", async () => {
    const error = await errorOf(ask(yesOrNo, { jsonSchema: { type: "null" } }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "grammar" }] });
  });
});
