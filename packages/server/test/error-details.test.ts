/** Errors tell places in the names that the client sent, and bodies may come packed. */
import { request } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import { randomModel } from "../../../test/support/random-model.mjs";
import { model, post, running, type Json } from "./support/running.js";

const BODY_LIMIT = 200_000;
const { url } = running({
  bodyLimit: BODY_LIMIT,
  models: [
    { name: model, nThreads: 1, keepLoaded: true },
    { name: "embedder", task: "embed", pooling: "mean", nThreads: 1 },
    { name: "ranker", task: "rerank", model: randomModel("bert", { pooling: "rank", labels: 1 }), nThreads: 1 },
  ],
});
const messages = [{ role: "user", content: "Say ahh." }];
const asked = { model, messages };

async function failure(at: string, body: unknown): Promise<{ status: number; error: Json }> {
  const response = await post(url() + at, body);
  const { error } = (await response.json()) as Json;
  return { status: response.status, error };
}

/** No grammar keeps it, and the library says so. */
const badSchema = { type: "object", properties: { a: { type: "string", pattern: "(" } }, required: ["a"] };
/** Its shortest value has more than two tokens. */
const schema = { type: "object", properties: { mg: { type: "number" } }, required: ["mg"] };
const unknownTool = { name: "other" };
const chatTool = (fields: object) => ({ tools: [{ type: "function", function: { name: "f", ...fields } }] });
const named = (name: string, schema: object) => ({ type: "json_schema", name, schema });
const long = "a ".repeat(9000);
const question = { type: "predicate" };
const calling = (name: string, text: string) => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id: "a", type: "function", function: { name, arguments: text } }],
});
const other = { type: "function", function: unknownTool };

/** Names of the library's that no message may have where the client sent others. */
const libraryNames =
  /toolCalls|nPredict|jsonSchema|stopStrings|toolChoice|nProbs|reasoningEffort|templateArguments|continueFinalMessage|parallelToolCalls|sampling\.|topK|tokenIdBias|minTokens|thinkingBudget|repeatPenalty|inputSuffix|bestOf|onContextFull/;

describe("what is wrong is told in the names that the client sent", () => {
  const chat = "/v1/chat/completions";
  const render = "/apply-template";
  const completions = "/v1/completions";
  const responses = "/v1/responses";
  const anthropic = "/v1/messages";
  const prompt = { model, prompt: "a" };
  const input = { model, input: "a" };
  const message = { ...asked, max_tokens: 4 };
  test.each<[string, object, string]>([
    [
      chat,
      { ...asked, response_format: { type: "json_schema", json_schema: { name: "a", schema: badSchema } } },
      "response_format.json_schema.schema",
    ],
    [chat, { ...asked, response_format: { type: "json_object" }, grammar: 'root ::= "a"' }, "response_format"],
    [chat, { ...asked, stop: Array.from({ length: 64 }, () => "a"), stop_strings: 5 }, "stop_strings"],
    [chat, { ...asked, logit_bias: { 999999999: 1 } }, "logit_bias"],
    [chat, { ...asked, tool_choice: "required" }, "tool_choice"],
    [chat, { ...asked, ...chatTool({}), tool_choice: other }, "tool_choice.function.name"],
    [
      chat,
      {
        ...asked,
        ...chatTool({}),
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [other] } },
      },
      "tool_choice.allowed_tools.tools",
    ],
    [chat, { ...asked, ...chatTool({ parameters: badSchema }), tool_choice: "required" }, "tools"],
    [chat, { ...asked, tools: [{ type: "function", function: { name: "a b" } }] }, "tools[0].function.name"],
    [chat, { ...asked, reasoning_effort: "enormous" }, "reasoning_effort"],
    [chat, { ...asked, reasoning_effort: "low", useChatTemplate: false }, "reasoning_effort"],
    [chat, { ...asked, chat_template_kwargs: { a: "x" }, useChatTemplate: false }, "chat_template_kwargs.a"],
    [chat, { ...asked, continue_final_message: true, use_chat_template: false }, "continue_final_message"],
    [chat, { ...asked, continue_final_message: true }, "messages[0]"],
    [chat, { ...asked, messages: [...messages, calling("f g", "{}")] }, "messages[1].tool_calls[0].function.name"],
    [chat, { ...asked, messages: [...messages, calling("f", "{")] }, "messages[1].tool_calls[0].function.arguments"],
    [chat, { ...asked, messages: [...messages, { role: "tool", content: "", tool_call_id: "a" }] }, "messages[1]"],
    [chat, { ...asked, max_tokens: 4, min_tokens: 9 }, "min_tokens"],
    [
      chat,
      { ...asked, max_tokens: 2, response_format: { type: "json_schema", json_schema: { name: "dose", schema } } },
      "max_tokens",
    ],
    [completions, { ...prompt, max_tokens: 2, json_schema: schema }, "max_tokens"],
    [responses, { ...input, max_output_tokens: 2, text: { format: named("dose", schema) } }, "max_output_tokens"],
    [
      anthropic,
      { ...message, max_tokens: 2, output_config: { format: { type: "json_schema", schema } } },
      "max_tokens",
    ],
    [chat, { ...asked, max_completion_tokens: 4, minTokens: 9 }, "minTokens"],
    [chat, { ...asked, top_k: -5 }, "top_k"],
    [chat, { ...asked, min_p: 7 }, "min_p"],
    [chat, { ...asked, repetition_penalty: -1 }, "repetition_penalty"],
    [chat, { ...asked, n_predict: "many" }, "n_predict"],
    [chat, { ...asked, thinking_budget: 5 }, "thinking_budget"],
    [render, { ...asked, tools: [{ type: "function", function: { name: "a b" } }] }, "tools[0].function.name"],
    [completions, { ...prompt, logit_bias: { 999999999: 1 } }, "logit_bias"],
    [completions, { ...prompt, max_tokens: 4, min_tokens: 9 }, "min_tokens"],
    [completions, { ...prompt, top_k: -5 }, "top_k"],
    [completions, { ...prompt, json_schema: badSchema }, "json_schema"],
    [responses, { ...input, text: { format: named("a", badSchema) } }, "text.format.schema"],
    [responses, { ...input, tool_choice: "required" }, "tool_choice"],
    [
      responses,
      { ...input, tools: [{ type: "function", name: "f" }], tool_choice: { type: "function", ...unknownTool } },
      "tool_choice.name",
    ],
    [responses, { ...input, reasoning: { effort: "enormous" } }, "reasoning.effort"],
    [responses, { ...input, max_output_tokens: 4, min_tokens: 9 }, "min_tokens"],
    [responses, { ...input, continue_final_message: true, instructions: "Be brief." }, "input"],
    [
      anthropic,
      { ...message, output_config: { format: { type: "json_schema", schema: badSchema } } },
      "output_config.format.schema",
    ],
    [
      anthropic,
      {
        ...message,
        system: "Be brief.",
        messages: [
          ...messages,
          { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f g", input: {} }] },
        ],
      },
      "messages",
    ],
    [responses, { ...input, input: [{ type: "function_call", call_id: "a", name: "f g", arguments: "{}" }] }, "input"],
    [anthropic, { ...message, tool_choice: { type: "any" } }, "tool_choice"],
    [
      anthropic,
      { ...message, tools: [{ name: "f", input_schema: {} }], tool_choice: { type: "tool", ...unknownTool } },
      "tool_choice.name",
    ],
    [anthropic, { ...message, output_config: { effort: "enormous" } }, "output_config.effort"],
    [anthropic, { ...message, thinking: { type: "enabled", budget_tokens: 5 } }, "thinking.budget_tokens"],
    [anthropic, { ...message, min_tokens: 9 }, "min_tokens"],
    [
      "/v1/decisions",
      { ...asked, messages: [calling("f g", "{}")], question },
      "messages[0].tool_calls[0].function.name",
    ],
    ["/v1/embeddings", { model: "embedder", input: ["a", long] }, "input[1]"],
    ["/v1/embeddings", { model: "embedder", input: long }, "input"],
    ["/v1/embeddings", { model: "embedder", input: "a", dimensions: 99999 }, "dimensions"],
    ["/v1/rerank", { model: "ranker", query: "a", documents: ["a", long] }, "documents[1]"],
  ])("%s %#", async (at, body, param) => {
    const { status, error } = await failure(at, body);
    expect([status, error.param]).toEqual([400, param]);
    if (!/minTokens|useChatTemplate|grammar/.test(JSON.stringify(body)))
      expect(error.message).not.toMatch(libraryNames);
    expect(error.message).toContain(param);
  });

  test("the library's own names stay where the request used them", async () => {
    const own = { ...asked, jsonSchema: badSchema, sampling: { temperature: 0 } };
    expect((await failure(chat, own)).error.param).toBe("jsonSchema");
    expect((await failure(chat, { ...asked, sampling: { topK: -5 } })).error.param).toBe("sampling.topK");
    expect((await failure(chat, { ...asked, nPredict: "many", max_tokens: 5 })).error.param).toBe("nPredict");
  });

  test("what the server itself refuses has its place, however deep", async () => {
    const blocks = [{ role: "user", content: [{ type: "search_result" }] }];
    expect((await failure(anthropic, { ...message, messages: blocks })).error.param).toBe(
      "messages[0].content[0].type",
    );
  });

  test("a failure in the first event of a stream as well", async () => {
    const { status, error } = await failure(chat, { ...asked, stream: true, logit_bias: { 999999999: 1 } });
    expect([status, error.param]).toEqual([400, "logit_bias"]);
  });
});

describe("below /v1/messages", () => {
  test.each(["/v1/messages/batches", "/v1/messages/msg_1", "/v1/messages/count_tokens/x"])(
    "404 for %s is in Anthropic's form",
    async (at) => {
      const response = await post(url() + at, {});
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        type: "error",
        error: { type: "not_found_error", message: expect.any(String), code: "unknown_path", param: null },
        request_id: response.headers.get("x-request-id"),
      });
    },
  );

  test("and in OpenAI's elsewhere", async () => {
    const { status, error } = await failure("/v1/messagesx", {});
    expect([status, Object.keys(error).sort()]).toEqual([404, ["code", "message", "param", "type"]]);
  });
});

test.each([
  ["[]", "a list"],
  ['"text"', "a string"],
  ["5", "a number"],
  ["true", "a boolean"],
  ["null", "null"],
])("a body that is %s", async (body, got) => {
  for (const at of ["/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/tokenize"]) {
    const { status, error } = await failure(at, body);
    expect([status, error.message]).toEqual([400, `the body must be a JSON object (got ${got})`]);
  }
});

describe("a body that is packed", () => {
  const at = "/v1/chat/completions";
  const text = JSON.stringify({ ...asked, max_tokens: 2 });
  const send = (body: Uint8Array<ArrayBuffer>, encoding: string, init: RequestInit = {}) =>
    fetch(url() + (init.body === undefined ? at : "/v1/files"), {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "content-encoding": encoding },
    });
  const codeOf = async (response: Response) => [response.status, ((await response.json()) as Json).error?.code];
  const bytes = (buffer: Buffer) => new Uint8Array(buffer);

  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["identity", Buffer.from],
  ] as const)("as %s is read", async (encoding, pack) => {
    const response = await send(bytes((pack as (text: string) => Buffer)(text)), encoding);
    expect(response.status).toBe(200);
    expect(((await response.json()) as Json).choices).toHaveLength(1);
  });

  test.each([
    ["br", bytes(brotliCompressSync(text))],
    ["zstd", bytes(Buffer.from(text))],
    ["gzip, gzip", bytes(gzipSync(gzipSync(text)))],
  ])("as %s is refused, and what is taken is told", async (encoding, body) => {
    const response = await send(body, encoding);
    expect(response.headers.get("accept-encoding")).toBe("gzip, deflate");
    expect(await codeOf(response)).toEqual([415, "unsupported_encoding"]);
  });

  test("that unpacks to too much is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(150_000_000, " "));
    expect(bomb.length).toBeLessThan(BODY_LIMIT);
    const before = process.memoryUsage().arrayBuffers;
    expect(await codeOf(await send(bytes(bomb), "gzip"))).toEqual([413, "body_too_large"]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
    expect(await codeOf(await send(bytes(deflateSync(Buffer.alloc(BODY_LIMIT + 1, " "))), "deflate"))).toEqual([
      413,
      "body_too_large",
    ]);
    const most = `${" ".repeat(BODY_LIMIT - text.length)}${text}`;
    expect((await send(bytes(gzipSync(most)), "gzip")).status).toBe(200);
  });

  test("of which nothing comes for ever is refused", async () => {
    // Empty blocks: five bytes each, and no byte comes out.
    const empty = Buffer.concat([
      Buffer.from([0x78, 0x9c]),
      Buffer.alloc(5 * 100_000, Buffer.from([0, 0, 0, 255, 255])),
    ]);
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-encoding": "deflate" };
      const sent = request(url() + at, { method: "POST", headers }, (response) => resolve(response.statusCode));
      sent.on("error", reject);
      for (let i = 0; i < empty.length; i += 50_000) sent.write(empty.subarray(i, i + 50_000));
      sent.end();
    });
    expect(status).toBe(413);
  });

  test.each([
    ["is not what it says", Buffer.from(text)],
    ["ends too early", gzipSync(text).subarray(0, 40)],
  ])("that %s is refused", async (_name, body) => {
    expect(await codeOf(await send(bytes(body), "gzip"))).toEqual([400, "invalid_encoding"]);
  });
});
