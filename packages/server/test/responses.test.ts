/** POST /v1/responses: each event by hand, and OpenAI's client. */
import { setTimeout as sleep } from "node:timers/promises";

import OpenAI from "openai";
import { describe, expect, test } from "vitest";

import { model, post, postJson, running, type Json } from "./support/running.js";
import { doseSchema, drugSchema, prescription } from "./support/samples.js";

const { url, server } = running();
const path = () => `${url()}/v1/responses`;
const input = "What is hypertension?";
const greedy = { model, temperature: 0, max_output_tokens: 24 };
const tool = { type: "function" as const, name: "look_up", parameters: drugSchema, strict: true };
const engine = () => server().service.models.find(model).engine!;

/** The events of a stream, whose names and numbers have to be right. */
async function eventsOf(body: object): Promise<Json[]> {
  const response = await post(path(), { ...greedy, input, ...body, stream: true });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  return blocks.map((block, i) => {
    const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(block)!;
    const event = JSON.parse(data!);
    expect([event.type, event.sequence_number]).toEqual([name, i]);
    return event;
  });
}

const typesOf = (events: Json[]) => events.map((event) => event.type as string);
/** Without what repeats. */
const distinct = (types: string[]) => types.filter((type, i) => type !== types[i - 1]);

describe("a whole response", () => {
  test("has all that OpenAI's has", async () => {
    const response = await postJson(path(), { ...greedy, input });
    expect(response).toEqual({
      id: expect.stringMatching(/^resp_/),
      object: "response",
      created_at: expect.any(Number),
      status: expect.stringMatching(/^(completed|incomplete)$/),
      background: false,
      completed_at: response.status === "completed" ? expect.any(Number) : null,
      error: null,
      incomplete_details: response.status === "completed" ? null : { reason: "max_output_tokens" },
      instructions: null,
      max_output_tokens: 24,
      max_tool_calls: null,
      metadata: {},
      model,
      output: [
        {
          id: expect.stringMatching(/^msg_/),
          type: "message",
          role: "assistant",
          status: response.status,
          content: [{ type: "output_text", text: expect.stringMatching(/\w/), annotations: [], logprobs: [] }],
        },
      ],
      parallel_tool_calls: true,
      previous_response_id: null,
      prompt_cache_key: null,
      reasoning: { effort: null, summary: null },
      safety_identifier: null,
      service_tier: "default",
      store: false,
      temperature: 0,
      text: { format: { type: "text" }, verbosity: "medium" },
      tool_choice: "auto",
      tools: [],
      top_logprobs: 0,
      top_p: null,
      truncation: "disabled",
      usage: {
        input_tokens: expect.any(Number),
        input_tokens_details: { cached_tokens: expect.any(Number) },
        output_tokens: expect.any(Number),
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: expect.any(Number),
      },
      user: null,
    });
  });

  test("is that of the same chat", async () => {
    const system = "You are brief.";
    const { output } = await postJson(path(), { ...greedy, instructions: system, input });
    const chat = await postJson(`${url()}/v1/chat/completions`, {
      model,
      temperature: 0,
      max_tokens: 24,
      messages: [
        { role: "system", content: system },
        { role: "user", content: input },
      ],
    });
    expect(output[0].content[0].text).toBe(chat.choices[0].message.content);
  });

  test("is incomplete where max_output_tokens ends it", async () => {
    const {
      status,
      incomplete_details: details,
      output,
    } = await postJson(path(), {
      ...greedy,
      max_output_tokens: 3,
      ignoreEos: true,
      input,
    });
    expect([status, details, output[0].status]).toEqual(["incomplete", { reason: "max_output_tokens" }, "incomplete"]);
  });

  test("says logprobs where they are included", async () => {
    const include = ["message.output_text.logprobs"];
    const { output } = await postJson(path(), { ...greedy, input, include, top_logprobs: 2 });
    const [{ text, logprobs }] = output[0].content;
    expect(logprobs.map((each: Json) => each.token).join("")).toBe(text);
    expect(logprobs[0].top_logprobs).toHaveLength(2);
  });

  test("reads a whole conversation of items, with its images, calls and reasoning", async () => {
    const response = await postJson(path(), {
      ...greedy,
      tools: [tool],
      tool_choice: "none",
      input: [
        { role: "developer", content: "Be brief." },
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_image", image_url: `data:image/png;base64,${prescription}`, detail: "auto" },
            { type: "input_text", text: "What is it?" },
          ],
        },
        { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "I look it up." }] },
        { type: "function_call", id: "fc_1", call_id: "call1", name: "look_up", arguments: '{"drug":"aspirin"}' },
        { type: "function_call_output", call_id: "call1", output: "It relieves pain." },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "Aspirin.", annotations: [] }] },
        { role: "user", content: "Why?" },
      ],
    });
    expect(response.usage.input_tokens).toBeGreaterThan(700);
    expect(response.output[0].type).toBe("message");
  });
});

describe("the events of a stream", () => {
  test("of a text", async () => {
    const events = await eventsOf({});
    const { output, status } = await postJson(path(), { ...greedy, input });
    expect(distinct(typesOf(events))).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      `response.${status}`,
    ]);
    const [created, progress, itemAdded, partAdded] = events;
    expect(created.response).toMatchObject({ status: "in_progress", output: [], usage: null });
    expect(progress.response).toEqual(created.response);
    expect(itemAdded).toMatchObject({ output_index: 0, item: { type: "message", status: "in_progress", content: [] } });
    const place = { item_id: itemAdded.item.id, output_index: 0, content_index: 0 };
    const emptyPart = { type: "output_text", text: "", annotations: [], logprobs: [] };
    expect(partAdded).toEqual({ type: "response.content_part.added", sequence_number: 3, ...place, part: emptyPart });
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    for (const delta of deltas) expect(delta).toMatchObject({ ...place, delta: expect.any(String), logprobs: [] });
    const [textDone, partDone, itemDone, last] = events.slice(-4);
    const { text } = output[0].content[0];
    expect(deltas.map((each) => each.delta).join("")).toBe(text);
    expect(textDone).toMatchObject({ ...place, text, logprobs: [] });
    expect(partDone).toMatchObject({ ...place, part: { ...emptyPart, text } });
    expect(itemDone).toMatchObject({ output_index: 0, item: { ...output[0], id: place.item_id } });
    expect(last.response.output).toEqual([itemDone.item]);
    expect(last.response.id).toBe(created.response.id);
    expect(last.response.usage.output_tokens).toBeGreaterThan(0);
  });

  test("of a call, whose arguments come in one piece", async () => {
    const events = await eventsOf({
      max_output_tokens: 200,
      tools: [tool],
      tool_choice: { type: "function", name: "look_up" },
    });
    expect(typesOf(events)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const [added, delta, done, itemDone, last] = events.slice(2);
    const place = { item_id: added.item.id, output_index: 0 };
    expect(added.item).toEqual({
      id: expect.stringMatching(/^fc_/),
      type: "function_call",
      status: "in_progress",
      call_id: expect.any(String),
      name: "look_up",
      arguments: "",
    });
    expect(JSON.parse(delta.delta)).toEqual({ drug: expect.any(String) });
    expect(delta).toMatchObject(place);
    expect(done).toMatchObject({ ...place, name: "look_up", arguments: delta.delta });
    expect(itemDone.item).toEqual({ ...added.item, status: "completed", arguments: delta.delta });
    expect(last.response.output).toEqual([itemDone.item]);
  });

  test("of reasoning, then a text, as the whole response has them", async () => {
    // What the model thinks goes on to where the tag is written for it, with a budget of tokens.
    const body = {
      thinkingTags: { open: "<think>", close: "</think>", startsOpen: true },
      thinkingBudget: 6,
      ignoreEos: true,
    };
    const events = await eventsOf(body);
    const whole = await postJson(path(), { ...greedy, input, ...body });
    expect(distinct(typesOf(events)).slice(2, 14)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
    const { output, usage } = events.at(-1).response;
    const plain = (items: Json[]) => items.map((item) => ({ ...item, id: "" }));
    expect(plain(output)).toEqual(plain(whole.output));
    expect(output[0]).toMatchObject({ type: "reasoning", summary: [], content: [{ type: "reasoning_text" }] });
    expect(usage.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  test("say every token's logprobs once", async () => {
    const events = await eventsOf({ top_logprobs: 1 });
    const tokens = events
      .filter((event) => event.type === "response.output_text.delta")
      .flatMap((each) => each.logprobs);
    const [{ text, logprobs }] = events.at(-1).response.output[0].content;
    expect(tokens.map((each) => each.token).join("")).toBe(text);
    expect(logprobs).toEqual(tokens);
  });

  test("never show a number that may go on", async () => {
    const format = { type: "json_schema", name: "dose", schema: doseSchema };
    const events = await eventsOf({ max_output_tokens: 60, temperature: 1, text: { format } });
    let shown = "";
    for (const { type, delta } of events) {
      if (type !== "response.output_text.delta") continue;
      shown += delta;
      expect(shown).not.toMatch(/[-0-9.eE]$/);
    }
    expect(JSON.parse(shown)).toEqual({ mg: expect.any(Number), ml: expect.any(Number) });
  });

  test("never tell half a call", async () => {
    for (const most of [3, 5, 8]) {
      const events = await eventsOf({ max_output_tokens: most, tools: [tool], tool_choice: "required" });
      expect(typesOf(events).filter((type) => type.includes("function_call"))).toEqual([]);
      expect(events.at(-1).type).toBe("response.incomplete");
    }
  });
});

describe("what is wrong is 400, with its place", () => {
  test.each([
    [{ model }, "input", "is missing"],
    [{ model, input: [] }, "input", ""],
    [{ model, input, max_output_tokens: 0 }, "max_output_tokens", ""],
    [{ model, input, store: true }, "store", "responseState"],
    [{ model, input, previous_response_id: "resp_1" }, "previous_response_id", "responseState"],
    [{ model, input, conversation: "conv_1" }, "conversation", "unknown"],
    [{ model, input, background: true }, "background", ""],
    [{ model, input, tools: [{ type: "web_search" }] }, "tools[0].type", "web_search"],
    [{ model, input, tools: [{ type: "custom", name: "x" }] }, "tools[0].type", "custom"],
    [{ model, input, tools: [{ type: "Quackenbush" }] }, "tools[0].type", "must be function"],
    [{ model, input, include: ["file_search_call.results"] }, "include[0]", "must be"],
    [{ model, input: [{ type: "item_reference", id: "x" }] }, "input[0].type", "item_reference"],
    [{ model, input: [{ role: "tool", content: "x" }] }, "input[0].role", ""],
    [
      { model, input: [{ role: "user", content: [{ type: "input_file", file_id: "Quackenbush" }] }] },
      "input[0].content[0].file_id",
      "base64",
    ],
    [{ model, input: "A".repeat(10_000) }, "input[0].content", "base64"],
  ])("%j", async (body, param, says) => {
    const response = await post(path(), body);
    const text = await response.text();
    expect(text).not.toContain("Quackenbush");
    const { error } = JSON.parse(text);
    expect([response.status, error.param]).toEqual([400, param]);
    expect(error.message).toContain(says);
  });

  test("and a model that is not there is 404", async () => {
    expect((await post(path(), { model: "other", input })).status).toBe(404);
  });
});

describe("OpenAI's client", () => {
  const client = () => new OpenAI({ baseURL: `${url()}/v1`, apiKey: "none", maxRetries: 0 });

  test("reads a response, and its stream to the same end", async () => {
    const whole = await client().responses.create({ ...greedy, input });
    const stream = client().responses.stream({ ...greedy, input });
    const final = await stream.finalResponse();
    expect(whole.output_text).toMatch(/\w/);
    expect(final.output_text).toBe(whole.output_text);
    expect(final.usage!.total_tokens).toBe(whole.usage!.total_tokens);
  });

  test("goes on with what the model called, and parses what a schema describes", async () => {
    const question = { role: "user" as const, content: input };
    const forced = { ...greedy, max_output_tokens: 200, tools: [tool], tool_choice: "required" as const };
    const called = await client()
      .responses.stream({ ...forced, input: [question], parallel_tool_calls: false })
      .finalResponse();
    const call = called.output.find((item) => item.type === "function_call")!;
    expect(call.parsed_arguments).toEqual({ drug: expect.any(String) });
    const next = await client().responses.parse({
      ...greedy,
      max_output_tokens: 60,
      input: [
        question,
        ...called.output.map(({ ...item }) => item as OpenAI.Responses.ResponseInputItem),
        { type: "function_call_output", call_id: call.call_id, output: "It relieves pain." },
      ],
      text: { format: { type: "json_schema", name: "drug", schema: drugSchema, strict: true } },
    });
    expect(next.output_parsed).toEqual({ drug: expect.any(String) });
  });

  test("ends the request where it is aborted", async () => {
    const stream = await client().responses.create({
      ...greedy,
      ...({ ignoreEos: true } as object),
      max_output_tokens: 3000,
      input,
      stream: true,
    });
    for await (const event of stream) if (event.type === "response.output_text.delta") stream.controller.abort();
    while (engine().stats().running > 0) await sleep(5);
  });

  test("reports a failure in mid-stream, which is told as the response's and as an error", async () => {
    const stream = await client().responses.create({
      ...greedy,
      ...({ ignoreEos: true } as object),
      max_output_tokens: 3000,
      input,
      stream: true,
    });
    const types: string[] = [];
    const reading = (async () => {
      for await (const event of stream) {
        types.push(event.type);
        if (event.type === "response.output_text.delta" && types.length < 10) {
          void server().service.models.unload(server().service.models.find(model));
        }
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "model_unloaded" });
    expect(types.at(-1)).toBe("response.failed");
  });
});
