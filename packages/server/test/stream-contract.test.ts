/** Recorded streams against the forms of their events in /openapi.json, and in the order that clients rely on. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";

import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import type * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";

import type { chatAnswer, chatEvent } from "../src/chat/chat-answer.js";
import type { completionAnswer } from "../src/completions/completion-answer.js";
import type { messageAnswer, messageEvent } from "../src/messages/message-answer.js";
import type { responseAnswer, responseEvent } from "../src/responses/response-answer.js";
import { Contract } from "./support/contract.js";
import { model, running, type Json } from "./support/running.js";
import { doseSchema, drugSchema } from "./support/samples.js";

const { url, server } = running();

let contract: Contract;
beforeAll(async () => {
  contract = await Contract.of(url());
});

interface Recorded {
  event: string | undefined;
  data: Json;
}

/** All events that came, also of a stream that broke. `[DONE]` stays a text. */
async function record(at: string, body: object, onEvent = () => Promise.resolve()): Promise<Recorded[]> {
  const headers = { "content-type": "application/json" };
  const sent = request(`${url()}${at}`, { method: "POST", headers });
  sent.end(JSON.stringify({ ...body, stream: true }));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect(response.headers["content-type"]).toMatch(/^text\/event-stream/);
  let text = "";
  let told: Promise<void> | undefined;
  response.on("error", () => {}); // broken off
  response.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (text.includes("data: ")) told ??= onEvent();
  });
  await new Promise((resolve) => response.once("close", resolve));
  await told;
  const blocks = text.split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  return blocks.map((block) => {
    const [, event, data] = /^(?:id: \d+\n)?(?:event: (.+)\n)?data: (.+)$/.exec(block)!;
    return { event, data: data === "[DONE]" ? data : JSON.parse(data!) };
  });
}

function expectForms(at: string, events: readonly Recorded[]): void {
  expect(events.length).toBeGreaterThan(0);
  const wrong = events.flatMap(({ data }) => contract.problemsOfEvent({ at }, data));
  expect(wrong).toEqual([]);
}

/** Ends the model in mid-stream, and with it the answer. */
const unload = () => server().service.models.unload(server().service.models.find(model));

const messages = [{ role: "user", content: "What is hypertension?" }];
const short = { model, temperature: 0, max_tokens: 16 };
const endless = { ...short, max_tokens: 3000, ignoreEos: true, maxDraftTokens: 0 };
const thinkingTags = { open: "<think>", close: "</think>", startsOpen: true };
const withUsage = { stream_options: { include_usage: true } };
const chatTool = { type: "function", function: { name: "look_up", parameters: drugSchema } };
const doses = { type: "json_schema", json_schema: { name: "dose", schema: doseSchema } };

/** The rules of chunks, of chats and of completions. */
function expectChunkOrder(events: readonly Recorded[], { usage, choices = 1 }: { usage: boolean; choices?: number }) {
  expect(events.map(({ event }) => event)).toEqual(events.map(() => undefined));
  const data = events.map((each) => each.data);
  expect(data.pop()).toBe("[DONE]");
  expect(new Set(data.map(({ id, created }) => `${id} ${created}`)).size).toBe(1);
  if (usage) {
    const last = data.pop();
    expect(last.choices).toEqual([]);
    const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = last.usage;
    expect(prompt + completion).toBe(total);
    expect(data.map((chunk) => chunk.usage)).toEqual(data.map(() => null));
  } else expect(data.some((chunk) => "usage" in chunk)).toBe(false);
  const all = data.flatMap((chunk) => chunk.choices);
  expect(data.every((chunk) => chunk.choices.length === 1)).toBe(true);
  for (let index = 0; index < choices; index++) {
    const own = all.filter((choice) => choice.index === index);
    expect(own.length).toBeGreaterThan(1);
    expect(own.map((choice) => choice.finish_reason !== null)).toEqual(own.map((_, i) => i === own.length - 1));
  }
  expect(Math.max(...all.map((choice) => choice.index))).toBe(choices - 1);
}

describe("POST /v1/chat/completions", () => {
  const at = "/v1/chat/completions";

  test.each<[string, object, { usage: boolean; choices?: number; finish?: string; holds?: string }]>([
    ["plain", {}, { usage: false, holds: "content" }],
    ["with usage", withUsage, { usage: true, holds: "content" }],
    ["with logprobs", { logprobs: true, top_logprobs: 2 }, { usage: false }],
    ["with two choices", { n: 2, temperature: 1, seed: 1, ...withUsage }, { usage: true, choices: 2 }],
    [
      "with two choices, logprobs and a schema",
      { n: 2, logprobs: true, response_format: doses, max_tokens: 60 },
      { usage: false, choices: 2, finish: "stop" },
    ],
    [
      "with a tool",
      { tools: [chatTool], tool_choice: "required", parallel_tool_calls: false, max_tokens: 200, ...withUsage },
      { usage: true, finish: "tool_calls", holds: "tool_calls" },
    ],
    [
      "with reasoning",
      { thinkingTags, thinkingBudget: 6, ignoreEos: true },
      { usage: false, holds: "reasoning_content" },
    ],
    ["with a schema", { response_format: doses, max_tokens: 60 }, { usage: false, finish: "stop", holds: "content" }],
  ])("%s", async (_name, body, { usage, choices = 1, finish, holds }) => {
    const events = await record(at, { ...short, messages, ...body });
    expectForms(at, events);
    expectChunkOrder(events, { usage, choices });
    const all = events.flatMap(({ data }) => data.choices ?? []);
    for (let index = 0; index < choices; index++) {
      const own = all.filter((choice) => choice.index === index);
      expect(own.map(({ delta }) => "role" in delta)).toEqual(own.map((_, i) => i === 0));
    }
    if (finish !== undefined) expect(all.at(-1).finish_reason).toBe(finish);
    if (holds !== undefined) expect(all.some(({ delta }) => delta[holds])).toBe(true);
    if ("logprobs" in body) expect(all.some(({ logprobs }) => logprobs?.content.length > 0)).toBe(true);
  });

  test("that fails", async () => {
    const events = await record(at, { ...endless, messages }, unload);
    expectForms(at, events);
    const data = events.map((each) => each.data);
    expect(data.at(-1).error.code).toBe("model_unloaded");
    expect(data.filter((each) => "error" in each)).toHaveLength(1);
    expect(data).not.toContain("[DONE]");
  });

  test("that is resumed has the same forms at /v1/streams/{id}", async () => {
    const events = await record(at, { ...short, messages, resumable: true });
    expectForms(at, events);
    const again = await fetch(`${url()}/v1/streams/${events[0]!.data.id}`, { headers: { "last-event-id": "1" } });
    const texts = [...(await again.text()).matchAll(/^data: (\{.+)$/gm)].map(([, text]) => JSON.parse(text!));
    expect(texts).toEqual(events.slice(1, -1).map(({ data }) => data));
    const operation = { at: "/v1/streams/{id}", method: "get" } as const;
    expect(texts.flatMap((data) => contract.problemsOfEvent(operation, data))).toEqual([]);
  });
});

describe("POST /v1/completions", () => {
  const at = "/v1/completions";
  const prompt = "Gout is";

  test.each<[string, object, { usage: boolean; choices?: number }]>([
    ["plain", { prompt }, { usage: false }],
    ["with usage", { prompt, ...withUsage }, { usage: true }],
    ["with logprobs and echo", { prompt, logprobs: 3, echo: true }, { usage: false }],
    ["of two prompts with two choices", { prompt: [prompt, "a"], n: 2, ...withUsage }, { usage: true, choices: 4 }],
    ["with reasoning", { prompt, thinkingTags, thinkingBudget: 6, ignoreEos: true }, { usage: false }],
    ["with a schema", { prompt, jsonSchema: doseSchema, max_tokens: 60 }, { usage: false }],
  ])("%s", async (_name, body, order) => {
    const events = await record(at, { ...short, ...body });
    expectForms(at, events);
    expectChunkOrder(events, order);
  });

  test("that fails", async () => {
    const events = await record(at, { ...endless, prompt }, unload);
    expectForms(at, events);
    expect(events.at(-1)!.data.error.code).toBe("model_unloaded");
  });
});

describe("POST /v1/responses", () => {
  const at = "/v1/responses";
  const { max_tokens: most, ...rest } = short;
  const base = { ...rest, max_output_tokens: most, input: "What is hypertension?" };
  const tool = { type: "function", name: "look_up", parameters: drugSchema };

  function expectOrder(events: readonly Recorded[], last: readonly string[]): void {
    const types = events.map(({ data }) => data.type as string);
    expect(events.map(({ event }) => event)).toEqual(types);
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, i) => i));
    expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    expect(last).toContain(types.at(-1));
    // What is open: items and parts, one within the other, each closed before the next.
    const open: string[] = [];
    for (const { data } of events) {
      const [, what, step] = /^response\.(output_item|content_part)\.(added|done)$/.exec(data.type) ?? [];
      const place = `${what} ${data.output_index} ${data.content_index ?? ""}`;
      if (step === "added") open.push(place);
      else if (step === "done") expect(open.pop()).toBe(place);
      else if ("output_index" in data) expect(open.at(-1)).toContain(` ${data.output_index} `);
    }
    if (last[0] !== "error") expect(open).toEqual([]);
  }

  test.each<[string, object, string]>([
    ["plain", {}, "response.output_text.delta"],
    ["cut", { max_output_tokens: 3, ignoreEos: true }, "response.incomplete"],
    [
      "with a tool",
      { tools: [tool], tool_choice: "required", max_output_tokens: 200 },
      "response.function_call_arguments.done",
    ],
    ["with reasoning", { thinkingTags, thinkingBudget: 6, ignoreEos: true }, "response.reasoning_text.done"],
    ["with logprobs", { top_logprobs: 2 }, "response.output_text.done"],
    [
      "with a schema",
      { text: { format: { type: "json_schema", name: "dose", schema: doseSchema } }, max_output_tokens: 60 },
      "response.completed",
    ],
  ])("%s", async (_name, body, has) => {
    const events = await record(at, { ...base, ...body });
    expectForms(at, events);
    expectOrder(events, ["response.completed", "response.incomplete"]);
    expect(events.map(({ data }) => data.type)).toContain(has);
  });

  test("that fails", async () => {
    const events = await record(at, { ...base, max_output_tokens: 3000, ignoreEos: true, maxDraftTokens: 0 }, unload);
    expectForms(at, events);
    expectOrder(events, ["error"]);
    expect(events.at(-2)!.data.type).toBe("response.failed");
  });
});

describe("POST /v1/messages", () => {
  const at = "/v1/messages";
  const tool = { name: "look_up", input_schema: drugSchema };

  function expectOrder(events: readonly Recorded[]): void {
    const types = events.map(({ data }) => data.type as string);
    expect(events.map(({ event }) => event)).toEqual(types);
    expect(types[0]).toBe("message_start");
    let open: number | undefined;
    let next = 0;
    for (const { data } of events) {
      if (data.type === "content_block_start") {
        expect([open, data.index]).toEqual([undefined, next++]);
        open = data.index;
      } else if (data.type === "content_block_delta") expect(data.index).toBe(open);
      else if (data.type === "content_block_stop") {
        expect(data.index).toBe(open);
        open = undefined;
      }
    }
    if (types.at(-1) === "error") return;
    expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
    expect(types.filter((type) => /^message_/.test(type))).toEqual(["message_start", "message_delta", "message_stop"]);
    expect([open, events.at(-2)!.data.delta.stop_reason === null]).toEqual([undefined, false]);
  }

  test.each<[string, object, string]>([
    ["plain", {}, "text"],
    ["with a tool", { tools: [tool], tool_choice: { type: "any" }, max_tokens: 200 }, "tool_use"],
    ["with thinking", { thinkingTags, thinking: { type: "enabled", budget_tokens: 6 } }, "thinking"],
    [
      "with a schema",
      { output_config: { format: { type: "json_schema", schema: doseSchema } }, max_tokens: 60 },
      "text",
    ],
  ])("%s", async (_name, body, has) => {
    const events = await record(at, { ...short, messages, ...body });
    expectForms(at, events);
    expectOrder(events);
    expect(events.map(({ data }) => data.content_block?.type)).toContain(has);
  });

  test("that fails", async () => {
    const events = await record(at, { ...endless, messages }, unload);
    expectForms(at, events);
    expectOrder(events);
    expect(events.at(-1)!.data).toMatchObject({ type: "error", error: { code: "model_unloaded" } });
  });
});

test("GET /models/sse", async () => {
  const ending = new AbortController();
  const response = await fetch(`${url()}/models/sse`, { signal: ending.signal });
  const { value } = await response.body!.getReader().read();
  ending.abort();
  const data = JSON.parse(/^data: (.+)$/m.exec(new TextDecoder().decode(value))![1]!);
  const operation = { at: "/models/sse", method: "get" } as const;
  expect(contract.problemsOfEvent(operation, data)).toEqual([]);
});

test("a wrong event would be found", async () => {
  const at = "/v1/chat/completions";
  const problems = (data: Json) => contract.problemsOfEvent({ at }, data);
  const [{ data }] = (await record(at, { ...short, messages })) as [Recorded];
  expect(problems(data)).toEqual([]);
  const [choice] = data.choices;
  for (const wrong of [
    { ...data, choices: undefined },
    { ...data, more: 1 },
    { ...data, created: "now" },
    { ...data, choices: [{ ...choice, finish_reason: "eos" }] },
    { ...data, choices: [{ ...choice, delta: { content: [{ type: "text", text: "a" }] } }] },
    { ...data, choices: [{ ...choice, delta: { tool_calls: [{ id: "a", type: "function", function: {} }] } }] },
    { error: "text" },
    "[DONE] ",
  ]) {
    expect(problems(JSON.parse(JSON.stringify(wrong)))).not.toEqual([]);
  }
});

/** What the clients' own types take: checked by the compiler alone. */
type Takes<Theirs, Ours extends Theirs> = Ours;
export type TypesTaken = [
  Takes<OpenAI.ChatCompletion, v.InferOutput<typeof chatAnswer>>,
  Takes<OpenAI.ChatCompletionChunk, Exclude<v.InferOutput<(typeof chatEvent)["data"]>, { error: object }>>,
  // Its types do not know of a first token, whose logprob is null.
  Takes<Omit<OpenAI.Completion, "choices">, v.InferOutput<typeof completionAnswer>>,
  // Of the rest OpenAI answers null where its own types have none.
  Takes<
    Pick<OpenAI.Responses.Response, "id" | "object" | "created_at" | "model" | "output" | "tools" | "tool_choice">,
    v.InferOutput<typeof responseAnswer>
  >,
  Takes<OpenAI.Responses.ResponseStreamEvent, Exclude<v.InferOutput<typeof responseEvent>, { response: object }>>,
  Takes<Anthropic.Message, v.InferOutput<typeof messageAnswer>>,
  Takes<Anthropic.MessageStreamEvent, Exclude<v.InferOutput<typeof messageEvent>, { type: "ping" | "error" }>>,
];
