import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { chunksOf, model, post, postJson, running, type Json } from "./support/running.js";

const { url, server } = running();
const path = () => `${url()}/v1/chat/completions`;
const messages = [{ role: "user", content: "What is hypertension?" }];
const greedy = { model, temperature: 0, max_tokens: 24 };
const prescription = readFileSync(fromRoot("examples", "prescriptions", "00000.png"));
const image = { type: "image_url", image_url: { url: `data:image/png;base64,${prescription.toString("base64")}` } };

const textOf = (chunks: Json[], index = 0) =>
  chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? "")
    .join("");

describe("a whole answer", () => {
  test("has all that OpenAI's has, and nothing undefined", async () => {
    const answer = await postJson(path(), { ...greedy, messages });
    expect(answer).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model,
      service_tier: "default",
      choices: [
        {
          index: 0,
          finish_reason: expect.stringMatching(/^(stop|length)$/),
          logprobs: null,
          message: { role: "assistant", content: expect.stringMatching(/\w/), refusal: null },
        },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
        prompt_tokens_details: {
          cached_tokens: expect.any(Number),
          image_tokens: 0,
          text_tokens: expect.any(Number),
          audio_tokens: 0,
        },
      },
    });
    expect(Number.isInteger(answer.created)).toBe(true);
  });

  test("ends with length where max_tokens ends it; max_completion_tokens wins", async () => {
    const answer = await postJson(path(), { ...greedy, max_tokens: 50, max_completion_tokens: 3, messages });
    expect(answer.choices[0].finish_reason).toBe("length");
    expect(answer.usage.completion_tokens).toBe(3);
  });

  test("reads an image, given as an object or as a string", async () => {
    const ask = (part: object) =>
      postJson(path(), { ...greedy, max_tokens: 80, messages: [{ role: "user", content: [part] }] });
    const answer = await ask(image);
    expect(answer.usage.prompt_tokens_details.image_tokens).toBeGreaterThan(0);
    const plain = await ask({ type: "image_url", image_url: image.image_url.url });
    expect(plain.choices[0].message.content).toBe(answer.choices[0].message.content);
  });

  test("has n choices, with seeds of their own", async () => {
    const answer = await postJson(path(), { model, temperature: 1, seed: 7, max_tokens: 12, n: 3, messages });
    expect(answer.choices.map((choice: Json) => choice.index)).toEqual([0, 1, 2]);
  });

  test("says the logprobs of its tokens, whose texts are the answer", async () => {
    const answer = await postJson(path(), { ...greedy, messages, logprobs: true, top_logprobs: 2 });
    const [{ logprobs, message }] = answer.choices;
    expect(logprobs.content.map((each: Json) => each.token).join("")).toBe(message.content);
    for (const each of logprobs.content) {
      expect(each.top_logprobs).toHaveLength(2);
      expect(each.logprob).toBeLessThanOrEqual(0);
      expect(Buffer.from(each.bytes).toString()).toBe(each.token);
    }
  });

  test("is the same with a prediction, which it may repeat faster", async () => {
    const ask = (more: object) => postJson(path(), { ...greedy, messages, ...more });
    const plain = await ask({});
    const text: string = plain.choices[0].message.content;
    const parts = [
      { type: "text", text: text.slice(0, 9) },
      { type: "text", text: text.slice(9) },
    ];
    for (const content of [text, parts, "Something else."]) {
      const answer = await ask({ prediction: { type: "content", content } });
      expect(answer.choices).toEqual(plain.choices);
    }
    const engine = server().service.models.find(model).engine!;
    const before = engine.stats().draftTokens;
    await ask({ prediction: { type: "content", content: text }, maxDraftTokens: 0 });
    expect(engine.stats().draftTokens).toBe(before);
    const { status } = await post(path(), { ...greedy, messages, prediction: text });
    expect(status).toBe(400);
  });

  test("follows a schema", async () => {
    const schema = {
      $schema: "http://json-schema.org/draft-07/schema#",
      title: "Dose",
      type: "object",
      properties: { drug: { enum: ["aspirin", "metformin"] }, mg: { type: "integer", minimum: 1, maximum: 999 } },
      required: ["drug", "mg"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", json_schema: { name: "response", strict: true, schema } };
    const answer = await postJson(path(), { ...greedy, max_tokens: 60, messages, response_format: format });
    expect(JSON.parse(answer.choices[0].message.content)).toEqual({
      drug: expect.stringMatching(/^(aspirin|metformin)$/),
      mg: expect.any(Number),
    });
  });

  test("keeps the form also where the limit cuts the answer, and says that it did", async () => {
    const properties = { drug: { type: "string" }, mg: { type: "number" } };
    const schema = { type: "object", properties, required: ["drug", "mg"] };
    const format = { type: "json_schema", json_schema: { name: "response", strict: true, schema } };
    const ends = new Set<string>();
    for (const seed of [1, 2, 3, 4]) {
      const body = { ...greedy, temperature: 2, seed, max_tokens: 20, messages, response_format: format };
      const [choice] = (await postJson(path(), body)).choices;
      const value = JSON.parse(choice.message.content) as object;
      expect(value).toEqual({ drug: expect.any(String), mg: expect.any(Number) });
      ends.add(choice.finish_reason);
      const chunks = await chunksOf(await post(path(), { ...body, stream: true }));
      const text = chunks.map((chunk: Json) => chunk.choices[0]?.delta.content ?? "").join("");
      expect(text).toBe(choice.message.content);
    }
    expect(ends).toContain("length");
  });

  test("calls a tool that it has to call", async () => {
    const answer = await postJson(path(), {
      ...greedy,
      max_tokens: 200,
      messages,
      tools: [{ type: "function", function: { name: "look_up", parameters: schemaOfTool } }],
      tool_choice: { type: "function", function: { name: "look_up" } },
    });
    const [{ message, finish_reason: reason }] = answer.choices;
    expect(reason).toBe("tool_calls");
    expect(message.content).toBeNull();
    expect(message.tool_calls).toEqual([
      { id: expect.any(String), type: "function", function: { name: "look_up", arguments: expect.any(String) } },
    ]);
    expect(JSON.parse(message.tool_calls[0].function.arguments)).toEqual({ drug: expect.any(String) });
  });
});

const schemaOfTool = {
  type: "object",
  properties: { drug: { enum: ["aspirin", "metformin"] } },
  required: ["drug"],
  additionalProperties: false,
};

describe("a stream", () => {
  const stream = async (body: object) => {
    const response = await post(path(), { ...greedy, messages, ...body, stream: true });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(response.headers.get("transfer-encoding")).toBe("chunked");
    return chunksOf(response);
  };

  test("says the role once, in the first chunk, and one finish_reason in the last", async () => {
    const chunks = await stream({});
    const choices = chunks.map((chunk) => chunk.choices[0]);
    expect(choices[0].delta).toEqual({ role: "assistant", content: "", refusal: null });
    expect(choices.filter((choice) => "role" in choice.delta)).toHaveLength(1);
    expect(choices.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toHaveLength(1);
    expect(choices.at(-1).finish_reason).toMatch(/^(stop|length)$/);
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  test("says the text of the whole answer", async () => {
    const answer = await postJson(path(), { ...greedy, messages });
    expect(textOf(await stream({}))).toBe(answer.choices[0].message.content);
  });

  test("says usage in a chunk without choices, where it was asked for, and null before", async () => {
    const chunks = await stream({ stream_options: { include_usage: true } });
    const last = chunks.pop();
    expect(last.choices).toEqual([]);
    expect(last.usage.completion_tokens).toBeGreaterThan(0);
    expect(chunks.every((chunk) => chunk.usage === null)).toBe(true);
  });

  test("has each choice of several with its index", async () => {
    const chunks = await stream({ n: 2, temperature: 1, seed: 3 });
    for (const index of [0, 1]) {
      const choices = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
      expect(choices[0].delta.role).toBe("assistant");
      expect(choices.filter((choice) => choice.finish_reason !== null)).toHaveLength(1);
      expect(textOf(chunks, index)).not.toBe("");
    }
  });

  test("says every token's logprobs once", async () => {
    const chunks = await stream({ logprobs: true, top_logprobs: 1 });
    const tokens = chunks.flatMap((chunk) => chunk.choices[0].logprobs?.content ?? []);
    expect(tokens.map((each) => each.token).join("")).toBe(textOf(chunks));
  });

  test("says a call in one piece, with its index", async () => {
    const chunks = await stream({
      max_tokens: 200,
      tools: [{ type: "function", function: { name: "look_up", parameters: schemaOfTool } }],
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    const calls = chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? []);
    expect(calls.length).toBeGreaterThan(0);
    calls.forEach((call, i) => {
      expect(call).toEqual({
        index: i,
        id: expect.any(String),
        type: "function",
        function: { name: "look_up", arguments: expect.any(String) },
      });
      expect(JSON.parse(call.function.arguments)).toEqual({ drug: expect.any(String) });
    });
    expect(chunks.at(-1).choices[0].finish_reason).toBe("tool_calls");
  });

  test("never shows a number that may go on", async () => {
    const schema = {
      type: "object",
      properties: { mg: { type: "integer", minimum: 100, maximum: 999 }, ml: { type: "number" } },
      required: ["mg", "ml"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", json_schema: { name: "dose", schema } };
    const chunks = await stream({ max_tokens: 60, temperature: 1, seed: 5, response_format: format });
    let shown = "";
    for (const chunk of chunks) {
      shown += chunk.choices[0].delta.content ?? "";
      expect(shown).not.toMatch(/[-0-9.eE]$/);
    }
    expect(JSON.parse(shown)).toEqual({ mg: expect.any(Number), ml: expect.any(Number) });
  });
});

describe("names of our own", () => {
  test("reach what OpenAI's names do not, in our style or Python's", async () => {
    const ask = (body: object) => postJson(path(), { model, max_tokens: 16, messages, ...body });
    const a = await ask({ sampling: { temperature: 0, repeatPenalty: 1.3 } });
    const b = await ask({ temperature: 0, repeat_penalty: 1.3 });
    const c = await ask({ temperature: 0, repetition_penalty: 1.3 });
    expect(b.choices).toEqual(a.choices);
    expect(c.choices).toEqual(a.choices);
  });

  test("a seed of more than 32 bits is reduced, and the answer says so", async () => {
    const response = await post(path(), { model, seed: 2 ** 40 + 5, max_tokens: 4, messages });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-medinfer-note")).toBe("seed reduced to 32 bits: 5");
  });
});
