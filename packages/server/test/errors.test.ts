import { request } from "node:http";

import { describe, expect, test } from "vitest";

import { model, post, running, type Json } from "./support/running.js";

const { url } = running({ bodyLimit: 200_000 });
const path = () => `${url()}/v1/chat/completions`;
const messages = [{ role: "user", content: "Say ahh." }];

/** A name that no error may repeat. */
const patient = "Zebulon Quackenbush";

async function failure(body: unknown, at = path()): Promise<{ status: number; error: Json; headers: Headers }> {
  const response = await post(at, body);
  const text = await response.text();
  expect(text).not.toMatch(/quackenbush/i);
  const { error } = JSON.parse(text);
  expect(Object.keys(error)).toEqual(expect.arrayContaining(["message", "type", "param", "code"]));
  expect(error.message).toMatch(/\w/);
  return { status: response.status, error, headers: response.headers };
}

describe("what a client does wrong is 400, with its place", () => {
  test.each([
    [{ messages }, "model"],
    [{ model }, "messages"],
    [{ model, messages: [] }, "messages"],
    [{ model, messages, temperature: 2.5 }, "temperature"],
    [{ model, messages, temperature: patient }, "temperature"],
    [{ model, messages, top_p: -1 }, "top_p"],
    [{ model, messages, n: 0 }, "n"],
    [{ model, messages, max_tokens: 0 }, "max_tokens"],
    [{ model, messages, top_logprobs: 3 }, "top_logprobs"],
    [{ model, messages, top_logprobs: 21, logprobs: true }, "top_logprobs"],
    [{ model, messages, temprature: 1 }, "(…)"],
    [{ model, messages, [patient]: 1 }, "(a name)"],
    [{ model, messages, quackenbush: 1 }, "(…)"],
    [{ model, messages, sampling: { quackenbush: 5 } }, "sampling.(…)"],
    [{ model, messages: [{ role: "user" }] }, "messages[0].content"],
    [{ model, messages: [{ role: patient, content: "" }] }, "messages[0].role"],
    [{ model, messages: [{ role: "user", content: [{ type: patient }] }] }, "messages[0].content[0].type"],
    [{ model, messages: [{ role: "user", content: [{ type: "text", text: 5 }] }] }, "messages[0].content[0].text"],
    [{ model, messages, response_format: { type: "json_schema" } }, "response_format.json_schema"],
    [{ model, messages, tool_choice: "perhaps" }, "tool_choice"],
    [{ model, messages, sampling: { topK: -5 } }, "sampling.topK"],
    [{ model, messages, sampling: { topKay: 5 } }, "sampling.(…)"],
    [{ model, messages, nPredict: "many" }, "nPredict"],
    [{ model, messages, add_generation_prompt: false }, "add_generation_prompt"],
  ])("%j", async (body, param) => {
    const { status, error } = await failure(body);
    expect([status, error.type, error.param]).toEqual([400, "invalid_request_error", param]);
  });

  test("a name that is misspelt is answered with the one that was meant, and not repeated", async () => {
    const { error } = await failure({ model, messages, temprature: 1 });
    expect(error.message).toContain("did you mean temperature?");
    expect(error.message).not.toContain("temprature");
  });

  test("names that the library would quote are not repeated", async () => {
    const tools = [{ type: "function", function: { name: "a" } }];
    const { error } = await failure({
      model,
      messages,
      tools,
      tool_choice: { type: "function", function: { name: "quackenbush" } },
    });
    expect(error.message).toContain("(…)");
  });

  test.each([
    { grammar: "root ::= quackenbush" },
    { grammar: 'root ::= quackenbush\nquackenbush ::= quackenbush "a"' },
    { grammar: 'root ::= "a" <quackenbush>' },
    { chatTemplate: "{% quackenbush %}" },
    { chatTemplate: "{{ raise_exception('Mr Quackenbush') }}" },
    { chatTemplate: "{{ quackenbush.a.b }}" },
  ])("a part of a grammar or of a template is not repeated: %j", async (each) => {
    const { status, error } = await failure({ model, messages, ...each });
    expect(status).toBe(400);
    expect(JSON.stringify(error)).not.toMatch(/quackenbush/i);
  });

  test("a name that is an object's prototype brings no fields in", async () => {
    const { status, error } = await failure(JSON.parse(`{"__proto__": {"model": "${model}", "messages": []}}`));
    expect([status, error.param]).toEqual([400, "model"]);
  });

  test("a role whose deltas were joined is explained", async () => {
    const { error } = await failure({ model, messages: [{ role: "assistantassistant", content: "x" }] });
    expect(error.message).toContain("say it once");
  });

  test.each(["file:///etc/passwd", "/etc/passwd", "C:\\x.png", "", patient])("an image at %j", async (place) => {
    const content = [{ type: "image_url", image_url: { url: place } }];
    const { status, error } = await failure({ model, messages: [{ role: "user", content }] });
    expect([status, error.code]).toEqual([400, "invalid_image_url"]);
  });

  test("an image of a web server, which is off", async () => {
    const content = [{ type: "image_url", image_url: { url: "https://pictures.example/x.png" } }];
    const { error } = await failure({ model, messages: [{ role: "user", content }] });
    expect(error.code).toBe("image_urls_off");
  });

  test("an image that is none", async () => {
    const content = [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAAAAAA" } }];
    const { status, error } = await failure({ model, messages: [{ role: "user", content }] });
    expect([status, error.code]).toEqual([400, "invalid_image"]);
  });

  test("a file as base64 in a text", async () => {
    const { error } = await failure({ model, messages: [{ role: "user", content: "A".repeat(10_000) }] });
    expect(error.code).toBe("base64_in_text");
  });

  test("a prompt that never fits says how long it is", async () => {
    const { status, error } = await failure({ model, messages: [{ role: "user", content: "ahh ".repeat(9000) }] });
    expect([status, error.code]).toEqual([400, "context_length_exceeded"]);
    expect(error.n_prompt_tokens).toBeGreaterThan(error.n_ctx);
    expect(error.n_ctx).toBe(4096);
  });

  test("the same in a stream is no stream", async () => {
    const { status } = await failure({
      model,
      stream: true,
      messages: [{ role: "user", content: "ahh ".repeat(9000) }],
    });
    expect(status).toBe(400);
  });

  test.each([
    ["{", "invalid_json"],
    [`{"model": "${patient}`, "invalid_json"],
    ["", "empty_body"],
    ["[]", "invalid_value"],
    ['"text"', "invalid_value"],
    ["null", "invalid_value"],
  ])("the body %j", async (body, code) => {
    const { status, error } = await failure(body);
    expect([status, error.code]).toEqual([400, code]);
  });
});

describe("other statuses", () => {
  test("404 for a model that is not there", async () => {
    const { status, error } = await failure({ model: patient, messages });
    expect([status, error.code, error.param]).toEqual([404, "model_not_found", "model"]);
  });

  test("404 for a path, 405 for a method", async () => {
    expect((await failure({}, `${url()}/v1/chat`)).status).toBe(404);
    const response = await fetch(path());
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    expect(((await response.json()) as Json).error.code).toBe("method_not_allowed");
  });

  test("413 for a body that is too large, whether it says its length or not", async () => {
    const text = JSON.stringify({ model, messages: [{ role: "user", content: "ahh ".repeat(60_000) }] });
    expect((await failure(text)).status).toBe(413);
    const status = await new Promise((resolve, reject) => {
      const sent = request(path(), { method: "POST", headers: { "content-type": "application/json" } }, (response) =>
        resolve(response.statusCode),
      );
      sent.on("error", reject);
      for (let i = 0; i < text.length; i += 50_000) sent.write(text.slice(i, i + 50_000));
      sent.end();
    });
    expect(status).toBe(413);
  });

  test("every answer has the request's id, the client's own where it is one", async () => {
    const own = await post(path(), {}, { headers: { "x-request-id": "abc-1" } });
    expect(own.headers.get("x-request-id")).toBe("abc-1");
    const bad = await post(path(), {}, { headers: { "x-request-id": patient } });
    expect(bad.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  });
});
