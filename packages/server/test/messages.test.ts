/** POST /v1/messages: each event by hand, and Anthropic's client. */
import { setTimeout as sleep } from "node:timers/promises";

import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "vitest";

import { model, post, postJson, running, type Json } from "./support/running.js";
import { doseSchema, drugSchema, prescription } from "./support/samples.js";

const { url, server } = running();
const path = () => `${url()}/v1/messages`;
const messages = [{ role: "user" as const, content: "What is hypertension?" }];
const greedy = { model, temperature: 0, max_tokens: 24 };
const tool = { name: "look_up", description: "Looks up a drug.", input_schema: drugSchema };
const image = {
  type: "image" as const,
  source: { type: "base64" as const, media_type: "image/png" as const, data: prescription },
};
const engine = () => server().service.models.find(model).engine!;
const chat = (body: object) => postJson(`${url()}/v1/chat/completions`, { ...greedy, ...body });

/** The events of a stream, whose names have to be right. */
async function eventsOf(body: object): Promise<Json[]> {
  const response = await post(path(), { ...greedy, messages, ...body, stream: true });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  return blocks.map((block) => {
    const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(block)!;
    const event = JSON.parse(data!);
    expect(event.type).toBe(name);
    return event;
  });
}

/** Without what repeats. */
const distinct = (events: Json[]) =>
  events.map((event) => event.type as string).filter((type, i, all) => type !== all[i - 1]);

describe("a whole message", () => {
  test("has all that Anthropic's has, with the text of the same chat", async () => {
    const response = await post(path(), { ...greedy, messages });
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
    const { choices } = await chat({ messages });
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^msg_/),
      type: "message",
      role: "assistant",
      model,
      content: [{ type: "text", text: choices[0].message.content, citations: null }],
      stop_reason: choices[0].finish_reason === "stop" ? "end_turn" : "max_tokens",
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        input_tokens: expect.any(Number),
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        output_tokens_details: { thinking_tokens: 0 },
        server_tool_use: null,
        cache_creation: null,
        inference_geo: null,
        service_tier: "standard",
        speed: null,
      },
    });
  });

  test("reads a system prompt as text or blocks", async () => {
    const text = "You are brief.";
    const { choices } = await chat({ messages: [{ role: "system", content: text }, ...messages] });
    for (const system of [text, [{ type: "text", text, cache_control: { type: "ephemeral" } }]]) {
      const { content } = await postJson(path(), { ...greedy, messages, system });
      expect(content[0].text).toBe(choices[0].message.content);
    }
  });

  test("ends with the stop sequence that it names", async () => {
    const whole = (await postJson(path(), { ...greedy, messages })).content[0].text as string;
    const stop = whole.slice(3, 7);
    const answer = await postJson(path(), { ...greedy, messages, stop_sequences: ["never said", stop] });
    expect([answer.stop_reason, answer.stop_sequence]).toEqual(["stop_sequence", stop]);
    expect(answer.content[0].text).toBe(whole.slice(0, whole.indexOf(stop)));
  });

  test("continues the assistant's last message", async () => {
    const begun = { role: "assistant", content: "Hypertension is" };
    const answer = await postJson(path(), { ...greedy, messages: [...messages, begun] });
    const { choices } = await chat({
      messages: [...messages, begun],
      continue_final_message: true,
      add_generation_prompt: false,
    });
    expect(answer.content[0].text).toBe(choices[0].message.content);
  });

  test("reads images, calls, results and thinking as a chat does", async () => {
    const ours = await postJson(path(), {
      ...greedy,
      tools: [tool],
      tool_choice: { type: "none" },
      messages: [
        { role: "user", content: [image, { type: "text", text: "What is it?" }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "I look it up.", signature: "" },
            { type: "text", text: "A moment." },
            { type: "tool_use", id: "call1", name: "look_up", input: { drug: "aspirin" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call1", content: [{ type: "text", text: "no book" }], is_error: true },
            { type: "text", text: "And now?" },
          ],
        },
      ],
    });
    const { choices, usage } = await chat({
      tools: [
        { type: "function", function: { name: "look_up", description: tool.description, parameters: drugSchema } },
      ],
      tool_choice: "none",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: `data:image/png;base64,${prescription}` } },
            { type: "text", text: "What is it?" },
          ],
        },
        {
          role: "assistant",
          content: "A moment.",
          reasoning_content: "I look it up.",
          tool_calls: [
            { id: "call1", type: "function", function: { name: "look_up", arguments: '{"drug":"aspirin"}' } },
          ],
        },
        { role: "tool", tool_call_id: "call1", content: "Error: no book" },
        { role: "user", content: "And now?" },
      ],
    });
    expect(ours.content[0].text).toBe(choices[0].message.content);
    expect(ours.usage.input_tokens + ours.usage.cache_read_input_tokens).toBe(usage.prompt_tokens);
  });

  test("thinks as long as it may", async () => {
    const thinkingTags = { open: "<think>", close: "</think>", startsOpen: true };
    const answer = await postJson(path(), {
      ...greedy,
      messages,
      thinkingTags,
      thinking: { type: "enabled", budget_tokens: 6 },
    });
    expect(answer.content.map((block: Json) => block.type)).toEqual(["thinking", "text"]);
    expect(answer.content[0].signature).toBe("");
    expect(answer.usage.output_tokens_details.thinking_tokens).toBeGreaterThan(0);
    // One that cannot think need not be told to leave it.
    expect((await post(path(), { ...greedy, messages, thinking: { type: "disabled" } })).status).toBe(200);
  });
});

describe("the events of a stream", () => {
  test("of a text", async () => {
    const whole = await postJson(path(), { ...greedy, messages });
    const events = await eventsOf({});
    expect(distinct(events)).toEqual([
      "message_start",
      "ping",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    const [start, , blockStart] = events;
    const inputTokens = whole.usage.input_tokens + whole.usage.cache_read_input_tokens;
    expect(start.message).toEqual({
      ...whole,
      id: expect.stringMatching(/^msg_/),
      content: [],
      stop_reason: null,
      usage: {
        ...whole.usage,
        input_tokens: inputTokens,
        cache_read_input_tokens: 0,
        output_tokens: 0,
        output_tokens_details: null,
      },
    });
    expect(blockStart).toEqual({
      type: "content_block_start",
      index: 0,
      content_block: { type: "text", text: "", citations: null },
    });
    const deltas = events.filter((event) => event.type === "content_block_delta");
    for (const delta of deltas) expect(delta).toMatchObject({ index: 0, delta: { type: "text_delta" } });
    expect(deltas.map((each) => each.delta.text).join("")).toBe(whole.content[0].text);
    const [blockStop, messageDelta, messageStop] = events.slice(-3);
    expect(blockStop).toEqual({ type: "content_block_stop", index: 0 });
    const { stop_reason: reason } = whole;
    expect(messageDelta.delta).toEqual({
      stop_reason: reason,
      stop_sequence: null,
      stop_details: null,
      container: null,
    });
    expect(messageDelta.usage.output_tokens).toBe(whole.usage.output_tokens);
    expect(messageDelta.usage.input_tokens + messageDelta.usage.cache_read_input_tokens).toBe(inputTokens);
    expect(messageStop).toEqual({ type: "message_stop" });
  });

  test("of thinking, then a text, each a block", async () => {
    const thinkingTags = { open: "<think>", close: "</think>", startsOpen: true };
    const events = await eventsOf({ thinkingTags, thinking: { type: "enabled", budget_tokens: 6 } });
    const starts = events.filter((event) => event.type === "content_block_start");
    expect(starts.map((each) => [each.index, each.content_block.type])).toEqual([
      [0, "thinking"],
      [1, "text"],
    ]);
    for (const { index, delta } of events.filter((event) => event.type === "content_block_delta")) {
      expect(delta.type).toBe(["thinking_delta", "text_delta"][index]);
    }
    const stops = events.filter((event) => event.type === "content_block_stop");
    expect(stops.map((each) => each.index)).toEqual([0, 1]);
  });

  test("of a call, whose input comes in one piece", async () => {
    const events = await eventsOf({
      max_tokens: 200,
      tools: [tool],
      tool_choice: { type: "tool", name: "look_up" },
    });
    expect(events.map((event) => event.type)).toEqual([
      "message_start",
      "ping",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events[2].content_block).toEqual({
      type: "tool_use",
      id: expect.any(String),
      name: "look_up",
      input: {},
      caller: { type: "direct" },
    });
    expect(events[3].delta.type).toBe("input_json_delta");
    expect(JSON.parse(events[3].delta.partial_json)).toEqual({ drug: expect.any(String) });
    expect(events[5].delta.stop_reason).toBe("tool_use");
  });

  test("never tell half a call", async () => {
    for (const most of [3, 5, 8]) {
      const events = await eventsOf({ max_tokens: most, tools: [tool], tool_choice: { type: "any" } });
      expect(JSON.stringify(events)).not.toContain('"type":"tool_use"');
      expect(events.at(-2).delta.stop_reason).toBe("max_tokens");
    }
  });

  test.each([
    ["from the start", messages, ""],
    ["behind what was begun", [...messages, { role: "assistant", content: '{"note":"7' }], '{"note":"7'],
  ])("never show a number that may go on, %s", async (_, conversation, begun) => {
    const note = { note: { enum: ["7 days", "70 days"] } };
    const schema = begun === "" ? doseSchema : { ...doseSchema, properties: { ...note, ...doseSchema.properties } };
    const asked = begun === "" ? schema : { ...schema, required: ["note", ...schema.required] };
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const events = await eventsOf({
        max_tokens: 80,
        sampling: { temperature: 1, seed },
        messages: conversation,
        output_config: { format: { type: "json_schema", schema: asked } },
      });
      let shown = begun;
      for (const { type, delta } of events) {
        if (type !== "content_block_delta") continue;
        shown += delta.text;
        if (shown.includes('"mg"')) expect(shown).not.toMatch(/[-0-9.eE]$/);
      }
      expect(JSON.parse(shown)).toMatchObject({ mg: expect.any(Number), ml: expect.any(Number) });
    }
  });
});

describe("count_tokens", () => {
  const count = (body: object) => postJson(`${path()}/count_tokens`, { model, messages, ...body });
  const inputOf = ({ usage }: Json) => usage.input_tokens + usage.cache_read_input_tokens;

  test.each([
    [{}],
    [{ system: "Be brief." }],
    [{ tools: [tool], tool_choice: { type: "any" } }],
    [{ messages: [{ role: "user", content: [image, { type: "text", text: "What is it?" }] }] }],
  ])("is what the answer takes: %#", async (body) => {
    expect((await count(body)).input_tokens).toBe(inputOf(await postJson(path(), { ...greedy, messages, ...body })));
  });

  test("is told of a prompt that does not fit, too", async () => {
    const long = [{ role: "user", content: "ahh ".repeat(9000) }];
    expect((await count({ messages: long })).input_tokens).toBeGreaterThan(9000);
  });
});

describe("what is wrong is told as Anthropic does", () => {
  test.each([
    [{ model, messages }, "max_tokens", "is missing"],
    [{ ...greedy, messages: [] }, "messages", ""],
    [{ ...greedy, messages, temperature: 1.5 }, "temperature", ""],
    [{ ...greedy, messages, container: "Quackenbush" }, "container", "unknown"],
    [{ ...greedy, messages, tools: [{ type: "web_search_20250305", name: "x" }] }, "tools[0].type", "web_search"],
    [
      { ...greedy, messages: [{ role: "user", content: [{ type: "search_result" }] }] },
      "messages[0].content[0].type",
      "search_result",
    ],
    [
      { ...greedy, messages: [{ role: "user", content: [{ type: "Quackenbush" }] }] },
      "messages[0].content[0].type",
      "text, image, document or tool_result",
    ],
    [{ ...greedy, messages: [{ role: "user", content: "A".repeat(10_000) }] }, "messages[0].content", "base64"],
    [
      { ...greedy, messages: [{ role: "user", content: [{ ...image, source: { type: "file", file_id: "x" } }] }] },
      "messages[0].content[0].source.type",
      "file",
    ],
  ])("%j", async (body, param, says) => {
    const response = await post(path(), body);
    const text = await response.text();
    expect(text).not.toContain("Quackenbush");
    const told = JSON.parse(text);
    expect(response.status).toBe(400);
    expect(told).toEqual({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining(says), param, code: expect.any(String) },
      request_id: response.headers.get("x-request-id"),
    });
  });

  test("also a model that is not there, a wrong method, and a body that is none", async () => {
    const typeOf = async (response: Response) => [response.status, ((await response.json()) as Json).error.type];
    expect(await typeOf(await post(path(), { ...greedy, model: "other", messages }))).toEqual([404, "not_found_error"]);
    expect(await typeOf(await fetch(path()))).toEqual([405, "invalid_request_error"]);
    expect(await typeOf(await post(path(), "{"))).toEqual([400, "invalid_request_error"]);
  });
});

describe("Anthropic's client", () => {
  const client = () => new Anthropic({ baseURL: url(), apiKey: "none", maxRetries: 0 });

  test("reads a message, and its stream to the same end", async () => {
    const body = { ...greedy, messages: [{ role: "user" as const, content: [image] }] };
    const whole = await client().messages.create(body);
    const final = await client().messages.stream(body).finalMessage();
    expect(final.content).toEqual(whole.content);
    expect(final.stop_reason).toBe(whole.stop_reason);
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
    const { input_tokens: counted } = await client().messages.countTokens({ model, messages: body.messages });
    expect(whole.usage.input_tokens + whole.usage.cache_read_input_tokens!).toBe(counted);
    expect(final.usage.input_tokens + final.usage.cache_read_input_tokens!).toBe(counted);
  });

  test("goes on with what the model called, and parses what a schema describes", async () => {
    const forced = {
      ...greedy,
      max_tokens: 200,
      tools: [tool],
      tool_choice: { type: "tool" as const, name: "look_up" },
    };
    const called = await client()
      .messages.stream({ ...forced, messages })
      .finalMessage();
    const [call] = called.content;
    expect(call).toMatchObject({ type: "tool_use", input: { drug: expect.any(String) } });
    const next = await client().messages.create({
      ...greedy,
      max_tokens: 60,
      tools: [tool],
      tool_choice: { type: "none" },
      messages: [
        ...messages,
        { role: "assistant", content: called.content },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: (call as { id: string }).id, content: "It relieves pain." }],
        },
      ],
    });
    expect(next.content[0]!.type).toBe("text");
    const formed = await client().messages.create({
      ...greedy,
      max_tokens: 60,
      messages,
      output_config: { format: { type: "json_schema", schema: drugSchema } },
    });
    expect(JSON.parse((formed.content[0] as { text: string }).text)).toEqual({ drug: expect.any(String) });
  });

  test("reports what is refused", async () => {
    const refused = client().messages.create({ ...greedy, model: "other", messages });
    await expect(refused).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(refused).rejects.toMatchObject({ type: "not_found_error" });
  });

  const endless = { ...greedy, ...({ ignoreEos: true, maxDraftTokens: 0 } as object), max_tokens: 3000, messages };

  test("ends the request where it is aborted", async () => {
    const stream = await client().messages.create({ ...endless, stream: true });
    for await (const event of stream) if (event.type === "content_block_delta") stream.controller.abort();
    while (engine().stats().running > 0) await sleep(5);
  });

  test("reports a failure in mid-stream", async () => {
    const stream = client().messages.stream(endless);
    stream.once("text", () => void server().service.models.unload(server().service.models.find(model)));
    await expect(stream.finalMessage()).rejects.toMatchObject({ type: "overloaded_error" });
  });
});
