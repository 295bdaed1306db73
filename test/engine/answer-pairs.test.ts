/** Options that act on one text, two at a time: each pair has its right result, or is refused by name. */
import { Engine, type CompleteOptions } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModel } from "../support/random-model.mjs";
import { collect, errorOf } from "./support/engines.js";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: tinyModel(), nThreads: 1, nCtx: 4096, batchSize: 4 });
});
afterAll(() => engine.close());

/** The id of a token that is a control token, or one character. */
const id = (text: string) => {
  const ids = engine.tokenize(text, { parseSpecial: true });
  return ids.at(-1)!;
};
const open = "<|vision_start|>";
const close = "<|vision_end|>";
const control = { open, close };
const hot = (seed: number) => ({ temperature: 1, topK: 0, topP: 1, minP: 0, seed });

/** Draws both tags often, and anything else now and then. */
const thinks = (seed: number) => ({ ...hot(seed), tokenIdBias: { [id(open)]: 9, [id(close)]: 9 } });
const schema = { type: "object", properties: { a: { enum: ["b", "<|vision_start|>"] } }, required: ["a"] } as const;
const ask = (more: Partial<CompleteOptions>) => engine.complete({ prompt: "bat dog", nPredict: 400, ...more });

describe("a schema beside thinking tags", () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])("lets the model reason first, and answers then (seed %i)", async (seed) => {
    const { text, reasoning, parsed, finishReason } = await ask({
      jsonSchema: schema,
      thinkingTags: { ...control, startsOpen: true },
      sampling: thinks(seed),
    }).result;
    expect(finishReason).toBe("eos");
    expect(parsed).toEqual(JSON.parse(text));
    expect(["b", open]).toContain((parsed as { a: string }).a);
    expect(reasoning).not.toContain("vision");
  });

  it("streams the reasoning before the answer", async () => {
    let reasoned = 0;
    for (let seed = 0; seed < 8; seed++) {
      const events = await collect(
        ask({ jsonSchema: schema, thinkingTags: { ...control, startsOpen: true }, sampling: thinks(seed) }),
      );
      const kinds = events.map(({ type }) => type).filter((type) => type === "reasoning" || type === "text");
      expect(kinds.join(" ")).toMatch(/^(reasoning ?)*(text ?)+$/);
      if (kinds.includes("reasoning")) reasoned++;
    }
    expect(reasoned).toBeGreaterThan(0);
  });

  it("answers at once where the model does not reason", async () => {
    const sampling = { temperature: 0, tokenIdBias: { [id("a{")]: 100 } };
    const { text, reasoning, parsed } = await ask({ jsonSchema: schema, thinkingTags: control, sampling }).result;
    expect(reasoning).toBe("");
    expect(parsed).toEqual(JSON.parse(text));
  });

  it("reasons where the model opens the block itself", async () => {
    const sampling = { ...hot(1), tokenIdBias: { [id(open)]: 100, [id(close)]: 97 } };
    const { parsed, finishReason } = await ask({ jsonSchema: schema, thinkingTags: control, sampling }).result;
    expect(finishReason).toBe("eos");
    expect(parsed).toBeDefined();
  });

  it("has tags of ordinary characters, too", async () => {
    const sampling = { ...hot(3), tokenIdBias: { [id("}")]: 6, [id("{")]: 6 } };
    const thinkingTags = { open: "{", close: "}", startsOpen: true };
    const { text, parsed, reasoning } = await ask({ jsonSchema: schema, thinkingTags, sampling }).result;
    expect(parsed).toEqual(JSON.parse(text));
    expect(reasoning).not.toContain("}");
  });

  it("says where the reasoning never ended", async () => {
    const sampling = { ...hot(1), tokenIdBias: { [id(close)]: false as const } };
    const thinkingTags = { ...control, startsOpen: true };
    const result = await ask({ jsonSchema: schema, thinkingTags, sampling, nPredict: 20 }).result;
    expect(result).toMatchObject({ text: "", parsed: undefined, finishReason: "length" });
    expect(result.reasoning).not.toBe("");
  });

  it("answers n times, each with reasoning of its own", async () => {
    const { choices } = await ask({
      jsonSchema: schema,
      thinkingTags: { ...control, startsOpen: true },
      sampling: thinks(20),
      n: 4,
    }).result;
    expect(choices).toHaveLength(4);
    for (const { parsed, text } of choices!) expect(parsed).toEqual(JSON.parse(text));
    const best = await ask({
      jsonSchema: schema,
      thinkingTags: { ...control, startsOpen: true },
      sampling: thinks(20),
      bestOf: 4,
    }).result;
    expect(best.parsed).toEqual(JSON.parse(best.text));
    expect(best.meanLogprob).toBeLessThan(0);
  });

  it("survives that its request gives way to others", async () => {
    const small = await Engine.load({ model: tinyModel(), nThreads: 1, nCtx: 96, nCtxPerRequest: 90, batchSize: 4 });
    try {
      const thinkingTags = { ...control, startsOpen: true };
      const results = await Promise.all(
        Array.from(
          { length: 6 },
          (_, seed) =>
            small.complete({
              prompt: "bat",
              grammar: 'root ::= "yes"',
              thinkingTags,
              sampling: { ...hot(seed), tokenIdBias: { [id(close)]: 7 } },
            }).result,
        ),
      );
      expect(small.stats().preemptions).toBeGreaterThan(0);
      for (const { text, finishReason } of results) {
        if (finishReason === "eos") expect(text).toBe("yes");
        else expect(["", "y", "ye"]).toContain(text);
      }
      expect(results.some(({ text }) => text === "yes")).toBe(true);
    } finally {
      await small.close();
    }
  });

  it("stands beside logprobs, which have an entry for every token drawn, tags included", async () => {
    const { logprobs, usage } = await ask({
      grammar: 'root ::= "yes"',
      thinkingTags: { ...control, startsOpen: true },
      sampling: thinks(2),
      nProbs: 1,
    }).result;
    expect(logprobs).toHaveLength(usage.completionTokens);
    expect(logprobs!.map(({ text }) => text)).toContain(close);
    expect(
      logprobs!
        .slice(-3)
        .map(({ text }) => text)
        .join(""),
    ).toBe("yes");
  });

  it("ends at a stop string in either", async () => {
    const thinkingTags = { ...control, startsOpen: true };
    const early = await ask({ grammar: 'root ::= "yes"', thinkingTags, sampling: thinks(2), stopStrings: [close] })
      .result;
    expect(early).toMatchObject({ text: "", finishReason: "stop", stopString: close });
    const late = await ask({ grammar: 'root ::= "yes"', thinkingTags, sampling: thinks(2), stopStrings: ["es"] })
      .result;
    expect(late).toMatchObject({ text: "y", finishReason: "stop", stopString: "es" });
    const json = await ask({ jsonSchema: schema, thinkingTags, sampling: thinks(2), stopStrings: ['"a"'] }).result;
    expect(json).toMatchObject({ finishReason: "stop", parsed: undefined });
  });

  it("is not kept from ending by ignoreEos", async () => {
    const thinkingTags = { ...control, startsOpen: true };
    const request = { grammar: 'root ::= "yes"', thinkingTags, sampling: thinks(2), ignoreEos: true };
    expect(await ask(request).result).toMatchObject({ text: "yes", finishReason: "eos" });
  });

  it("fails where biases forbid all that the grammar allows", async () => {
    const sampling = { temperature: 0, tokenIdBias: { [id("<start_of_image>")]: false as const } };
    const error = await errorOf(ask({ grammar: "root ::= <start_of_image>", sampling }).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toMatch(/biases or grammar/);
  });

  it("works in a session, whose turns keep the answer alone, and in annotate", async () => {
    const session = engine.session({ chatTemplate: "chatml" });
    const options = { grammar: 'root ::= "yes"', thinkingTags: { ...control, startsOpen: true } };
    const first = await session.chat({ content: "bat", ...options, sampling: thinks(1) }).result;
    expect(first.text).toBe("yes");
    await session.chat({ content: "dog", ...options, sampling: thinks(2) }).result;
    expect(session.messages.filter(({ role }) => role === "assistant").map(({ content }) => content)).toEqual([
      "yes",
      "yes",
    ]);
    session.close();
    const rows = [{ prompt: "bat" }, { prompt: "dog" }];
    const results = await collect(
      engine.annotate(rows, {
        chatTemplate: "chatml",
        jsonSchema: schema,
        thinkingTags: { ...control, startsOpen: true },
        sampling: thinks(5),
      }),
    );
    for (const { parsed, text, error } of results) {
      expect(error).toBeUndefined();
      expect(parsed).toEqual(JSON.parse(text));
    }
  });
});

describe("control tokens", () => {
  const drawn = (text: string, bias = 100) => ({ temperature: 0, tokenIdBias: { [id(text)]: bias } });

  it("are stop strings by themselves, and are a part of one", async () => {
    const alone = await ask({ sampling: drawn("<start_of_image>"), stopStrings: ["<start_of_image>"] }).result;
    expect(alone).toMatchObject({ text: "", finishReason: "stop", stopString: "<start_of_image>" });
    expect(alone.usage.completionTokens).toBe(1);
    const twice = "<start_of_image><start_of_image>";
    const two = await ask({ sampling: drawn("<start_of_image>"), stopStrings: [twice] }).result;
    expect(two).toMatchObject({ text: "", finishReason: "stop", stopString: twice });
    expect(two.usage.completionTokens).toBe(2);
  });

  it("are no text, and no part of another stop", async () => {
    for (const stops of [{ stopStrings: ["image", "<"] }, { stopRegexes: [/image|</] }]) {
      const result = await ask({ sampling: drawn("<start_of_image>"), nPredict: 8, ...stops }).result;
      expect(result).toMatchObject({ text: "", finishReason: "length" });
    }
  });

  it("are what a stop regex names", async () => {
    const result = await ask({ sampling: drawn("<start_of_image>"), stopRegexes: [/(<start_of_image>){3}/] }).result;
    expect(result).toMatchObject({ text: "", finishReason: "stop", stopString: "<start_of_image>".repeat(3) });
  });

  it("are tags without a grammar, too", async () => {
    const thinkingTags = { ...control, startsOpen: true };
    const sampling = { ...hot(4), tokenIdBias: { [id(close)]: 6, [id(open)]: false as const } };
    const { text, reasoning } = await ask({ thinkingTags, sampling, nPredict: 100 }).result;
    expect(reasoning).not.toBe("");
    expect(text).not.toBe("");
    expect(reasoning + text).not.toContain("vision");
  });

  it("are written where a grammar says them, drawn as tokens", async () => {
    const grammar = 'root ::= "a<start_of_image>b"';
    const result = await ask({ grammar, sampling: drawn("<start_of_image>"), nProbs: 1 }).result;
    expect(result).toMatchObject({ text: "a<start_of_image>b", finishReason: "eos" });
    expect(result.logprobs!.map(({ text }) => text)).toEqual(["a", "<start_of_image>", "b"]);
    const spelled = await ask({ grammar, sampling: drawn("<start_of_image>", -100) }).result;
    expect(spelled.text).toBe("a<start_of_image>b");
    expect(spelled.usage.completionTokens).toBeGreaterThan(3);
  });

  it("do not come where a grammar only has room for their characters", async () => {
    const grammar = "root ::= [^x]{30}";
    const { text, usage } = await ask({ grammar, sampling: drawn("<start_of_image>") }).result;
    expect([...text]).toHaveLength(30);
    expect(usage.completionTokens).toBeLessThanOrEqual(30);
  });
});
