/** POST /v1/completions: by hand, and with OpenAI's client. */
import { setTimeout as sleep } from "node:timers/promises";

import OpenAI from "openai";
import { describe, expect, test } from "vitest";

import { chunksOf, model, post, postJson, running, type Json } from "./support/running.js";

const { url, server } = running();
const path = () => `${url()}/v1/completions`;
const greedy = { model, temperature: 0, max_tokens: 12 };
const prompt = "Aspirin is";

/** Token ids of a text, without the BOS token that the vocabulary puts in front. */
const idsOf = (text: string) => [...server().service.models.find(model).engine!.tokenize(text)];

const textOf = (chunks: Json[], index = 0) =>
  chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.text)
    .join("");

async function refused(body: object): Promise<{ status: number; error: Json }> {
  const response = await post(path(), body);
  return { status: response.status, error: ((await response.json()) as Json).error };
}

describe("a whole answer", () => {
  test("has all that OpenAI's has, and says that no chat template was applied", async () => {
    const response = await post(path(), { ...greedy, prompt });
    expect(response.headers.get("x-medinfer-note")).toMatch(/^no chat template was applied/);
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: "text_completion",
      created: expect.any(Number),
      model,
      choices: [
        { index: 0, text: expect.any(String), logprobs: null, finish_reason: expect.stringMatching(/^(stop|length)$/) },
      ],
      usage: expect.objectContaining({ prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) }),
    });
  });

  test("is the same for a text and for its token ids", async () => {
    const ofText = await postJson(path(), { ...greedy, prompt });
    const ofIds = await postJson(path(), { ...greedy, prompt: idsOf(prompt) });
    expect(ofIds.choices).toEqual(ofText.choices);
  });

  test("has the choices of several prompts in their order, n of each, and counts all", async () => {
    const prompts = [prompt, "Metformin is", "Water is"];
    const single = await Promise.all(prompts.map((each) => postJson(path(), { ...greedy, prompt: each })));
    const both = await postJson(path(), { ...greedy, n: 2, prompt: prompts });
    expect(both.choices.map((choice: Json) => choice.index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(both.choices.map((choice: Json) => choice.text)).toEqual(
      single.flatMap((each) => [each.choices[0].text, each.choices[0].text]),
    );
    const completed = single.reduce((all, each) => all + each.usage.completion_tokens, 0);
    expect(both.usage.completion_tokens).toBe(2 * completed);
    const lists = await postJson(path(), { ...greedy, prompt: prompts.map(idsOf) });
    expect(lists.choices.map((choice: Json) => choice.text)).toEqual(single.map((each) => each.choices[0].text));
    const sum = single.reduce((all, each) => all + each.usage.prompt_tokens, 0);
    expect(lists.usage.prompt_tokens).toBe(sum);
  });

  test("repeats its prompt with echo, and with max_tokens 0 that alone", async () => {
    const plain = await postJson(path(), { ...greedy, prompt });
    const echoed = await postJson(path(), { ...greedy, prompt, echo: true });
    expect(echoed.choices[0].text).toBe(prompt + plain.choices[0].text);
    const alone = await postJson(path(), { model, prompt, echo: true, max_tokens: 0 });
    expect(alone.choices[0].text).toBe(prompt);
    expect(alone.usage.completion_tokens).toBe(0);
  });

  test("ends before a stop", async () => {
    const whole = (await postJson(path(), { ...greedy, prompt })).choices[0].text as string;
    const stop = whole.slice(2, 5);
    const { choices } = await postJson(path(), { ...greedy, prompt, stop });
    expect(choices[0].text).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(choices[0].finish_reason).toBe("stop");
  });

  test("gives the n best of best_of", async () => {
    const answer = await postJson(path(), { model, temperature: 1, seed: 1, max_tokens: 6, prompt, n: 2, best_of: 4 });
    expect(answer.choices.map((choice: Json) => choice.index)).toEqual([0, 1]);
  });

  test("reaches options of our own", async () => {
    const jsonSchema = { type: "object", properties: { mg: { type: "integer" } }, required: ["mg"] };
    const answer = await postJson(path(), { ...greedy, max_tokens: 60, prompt, jsonSchema, top_k: 1 });
    expect(JSON.parse(answer.choices[0].text)).toEqual({ mg: expect.any(Number) });
  });
});

describe("logprobs", () => {
  test("list the tokens of an answer, where each begins, and the likeliest beside it", async () => {
    const { choices } = await postJson(path(), { ...greedy, prompt, logprobs: 3 });
    const [{ text, logprobs }] = choices;
    expect(Object.keys(logprobs).sort()).toEqual(["text_offset", "token_logprobs", "tokens", "top_logprobs"]);
    expect(logprobs.tokens.join("")).toBe(text);
    logprobs.tokens.forEach((token: string, i: number) => {
      expect(text.startsWith(token, logprobs.text_offset[i])).toBe(true);
      expect(logprobs.top_logprobs[i][token]).toBe(logprobs.token_logprobs[i]);
      expect(Object.keys(logprobs.top_logprobs[i]).length).toBeGreaterThanOrEqual(3);
    });
  });

  test("of an echoed prompt are those of its text, parts of characters included", async () => {
    const text = "Déjà 😀 vu";
    const body = { model, temperature: 0, prompt: text, echo: true, max_tokens: 0, logprobs: 0 };
    const [{ logprobs }] = (await postJson(path(), body)).choices;
    const characters = [...text];
    logprobs.tokens.forEach((token: string, i: number) => {
      const rest = characters.slice(logprobs.text_offset[i]).join("");
      if (!token.startsWith("bytes:")) expect(rest.startsWith(token)).toBe(true);
    });
    const bytes = logprobs.tokens.flatMap((token: string) =>
      token.startsWith("bytes:")
        ? token
            .slice(6)
            .split("\\x")
            .slice(1)
            .map((each) => parseInt(each, 16))
        : [...Buffer.from(token)],
    );
    expect(Buffer.from(bytes).toString()).toBe(text);
    expect(logprobs.token_logprobs.every((each: number) => each < 0)).toBe(true);
  });

  test("of a first token, which nothing is before, are null", async () => {
    const body = { model, addSpecial: false, prompt, echo: true, max_tokens: 0, logprobs: 1 };
    const [{ logprobs }] = (await postJson(path(), body)).choices;
    expect([logprobs.token_logprobs[0], logprobs.top_logprobs[0]]).toEqual([null, null]);
    expect(logprobs.token_logprobs.slice(1).every((each: number) => each < 0)).toBe(true);
  });

  test("are of every choice, its prompt included", async () => {
    const body = { model, seed: 3, prompt, echo: true, max_tokens: 4, n: 2, logprobs: 1 };
    for (const { text, logprobs } of (await postJson(path(), body)).choices) {
      expect(logprobs.tokens.join("")).toBe(text);
    }
  });
});

describe("a stream", () => {
  const stream = async (body: object) => {
    const response = await post(path(), { ...greedy, prompt, ...body, stream: true });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    return chunksOf(response);
  };

  test("says the text of the whole answer, and one finish_reason in the last chunk", async () => {
    const chunks = await stream({});
    expect(textOf(chunks)).toBe((await postJson(path(), { ...greedy, prompt })).choices[0].text);
    for (const chunk of chunks) {
      expect(Object.keys(chunk)).toEqual(["id", "object", "created", "model", "choices"]);
      expect(Object.keys(chunk.choices[0])).toEqual(["index", "text", "logprobs", "finish_reason"]);
    }
    const reasons = chunks.map((chunk) => chunk.choices[0].finish_reason);
    expect(reasons.pop()).toMatch(/^(stop|length)$/);
    expect(reasons.every((reason) => reason === null)).toBe(true);
  });

  test("of several prompts and choices gives each its index", async () => {
    const prompts = [prompt, "Metformin is", "Water is", "Salt is", "Sugar is"];
    const whole = await postJson(path(), { ...greedy, prompt: prompts });
    const chunks = await stream({ prompt: prompts, n: 2, stream_options: { include_usage: true } });
    const { usage, choices } = chunks.at(-1);
    expect(choices).toEqual([]);
    expect(usage.prompt_tokens).toBeGreaterThanOrEqual(whole.usage.prompt_tokens);
    prompts.forEach((_, i) => {
      for (const index of [2 * i, 2 * i + 1]) expect(textOf(chunks, index)).toBe(whole.choices[i].text);
    });
  });

  test("echoes the prompt first, with its logprobs", async () => {
    const whole = await postJson(path(), { ...greedy, prompt, echo: true, logprobs: 2 });
    const chunks = await stream({ echo: true, logprobs: 2 });
    expect(chunks[0].choices[0].text).toBe(prompt);
    const lists = chunks.map((chunk) => chunk.choices[0].logprobs).filter((each) => each !== null);
    for (const key of ["tokens", "text_offset", "token_logprobs", "top_logprobs"]) {
      const expected = whole.choices[0].logprobs[key];
      expect(lists.flatMap((each) => each[key])).toHaveLength(expected.length);
      if (key === "tokens" || key === "text_offset") expect(lists.flatMap((each) => each[key])).toEqual(expected);
    }
  });

  test("never shows a number that may go on", async () => {
    const properties = { mg: { type: "integer", minimum: 100, maximum: 999 }, ml: { type: "number" } };
    const jsonSchema = { type: "object", properties, required: ["mg", "ml"], additionalProperties: false };
    let shown = "";
    for (const chunk of await stream({ max_tokens: 60, temperature: 1, seed: 5, jsonSchema })) {
      shown += chunk.choices[0].text;
      expect(shown).not.toMatch(/[-0-9.eE]$/);
    }
    expect(JSON.parse(shown)).toEqual({ mg: expect.any(Number), ml: expect.any(Number) });
  });
});

describe("what is wrong", () => {
  test.each([
    [{ model }, "prompt"],
    [{ model, prompt: [] }, "prompt"],
    [{ model, prompt: ["a", 5] }, "prompt[1]"],
    [{ model, prompt: [5, "a"] }, "prompt[1]"],
    [{ model, prompt: [[5], []] }, "prompt[1]"],
    [{ model, prompt: [-1] }, "prompt[0]"],
    [{ model, prompt: [99_999_999] }, "prompt"],
    [{ model, prompt: "" }, "prompt"],
    [{ model, prompt: [[5], [99_999_999]] }, "prompt[1]"],
    [{ model, prompt, max_tokens: 0 }, "max_tokens"],
    [{ model, prompt, logprobs: 6 }, "logprobs"],
    [{ model, prompt, n: 3, best_of: 2 }, "best_of"],
    [{ model, prompt, best_of: 2, stream: true }, "best_of"],
    [{ model, prompt, suffix: " pain." }, "suffix"],
    [{ model, prompt, messages: [] }, "messages"],
  ])("%j is 400", async (body, param) => {
    const { status, error } = await refused(body);
    expect([status, error.type, error.param]).toEqual([400, "invalid_request_error", param]);
  });

  test("a model that is not there is 404, a prompt that never fits 400", async () => {
    expect((await refused({ model: "other", prompt })).status).toBe(404);
    const { status, error } = await refused({ model, prompt: "ahh ".repeat(9000), stream: true });
    expect([status, error.code]).toEqual([400, "context_length_exceeded"]);
  });

  test.each([
    ["empty", "", "invalid_value"],
    ["too long", "ahh ".repeat(9000), "context_length_exceeded"],
  ])("the last of many prompts is %s: told before the others are answered", async (_, last, code) => {
    const engine = server().service.models.find(model).engine!;
    const before = engine.stats().generatedTokens;
    const { status, error } = await refused({
      ...greedy,
      max_tokens: 3000,
      ignoreEos: true,
      prompt: [...Array<string>(20).fill(prompt), last],
    });
    expect([status, error.code, error.param]).toEqual([400, code, "prompt[20]"]);
    expect(engine.stats().generatedTokens).toBe(before);
  });

  test("one prompt of several that never fits fails the request, and ends the others", async () => {
    const { status } = await refused({
      ...greedy,
      max_tokens: 2000,
      ignoreEos: true,
      prompt: [prompt, "ahh ".repeat(9000)],
    });
    expect(status).toBe(400);
    const { engine } = server().service.models.find(model);
    while (engine!.stats().running > 0) await sleep(5);
  });
});

describe("OpenAI's client", () => {
  const client = () => new OpenAI({ baseURL: `${url()}/v1`, apiKey: "none", maxRetries: 0 });

  test("reads answers, whole and streamed", async () => {
    const whole = await client().completions.create({ ...greedy, prompt, logprobs: 1 });
    let text = "";
    let usage: unknown;
    const stream = await client().completions.create({
      ...greedy,
      prompt,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]!.text);
    expect(usage).toMatchObject({ completion_tokens: whole.usage!.completion_tokens });
  });

  test("ends the request where it is aborted", async () => {
    const { engine } = server().service.models.find(model);
    const endless = { ...greedy, max_tokens: 3000, prompt, ignoreEos: true, maxDraftTokens: 0, stream: true as const };
    const stream = await client().completions.create(endless);
    for await (const _ of stream) stream.controller.abort();
    while (engine!.stats().running > 0) await sleep(5);
  });
});

test("the OpenAPI document tells all forms of a prompt, in their place", async () => {
  const text = await (await fetch(`${url()}/openapi.json`)).text();
  expect(text).not.toContain("$defs");
  const { paths } = JSON.parse(text) as Json;
  const { schema } = paths["/v1/completions"].post.requestBody.content["application/json"];
  expect(schema.properties.prompt.anyOf).toHaveLength(4);
});
