/** What the OpenAPI document says is what the server does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, expect, test } from "vitest";

import { randomModel } from "../../../test/support/random-model.mjs";
import { Contract } from "./support/contract.js";
import { model, post, postJson, running, type Json } from "./support/running.js";
import { drugSchema } from "./support/samples.js";

const folder = mkdtempSync(path.join(tmpdir(), "medinfer-contract-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { url } = running({
  models: [
    { name: model, nThreads: 1, keepLoaded: true },
    { name: "embedder", task: "embed", pooling: "mean", nThreads: 1 },
    { name: "ranker", task: "rerank", model: randomModel("bert", { pooling: "rank", labels: 1 }), nThreads: 1 },
  ],
  filesFolder: folder,
});

let document: Json;
let contract: Contract;
beforeAll(async () => {
  document = (await (await fetch(`${url()}/openapi.json`)).json()) as Json;
  contract = new Contract(document);
});

test("the document is OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const operations = Object.values(document.paths).flatMap((each) => Object.values(each as object));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

const problemsOf = (method: "get" | "post" | "delete", at: string, answer: Json) =>
  contract.problemsOf({ at, method }, answer);

const messages = [{ role: "user", content: "Is gout a fever?" }];
const tool = { name: "look_up", parameters: drugSchema };
const chatTool = { tools: [{ type: "function", function: tool }], tool_choice: "required", max_tokens: 200 };
const toolUse = {
  tools: [{ name: "look_up", input_schema: drugSchema }],
  tool_choice: { type: "any" },
  max_tokens: 200,
};
const thinks = {
  thinkingTags: { open: "<think>", close: "</think>", startsOpen: true },
  thinkingBudget: 6,
  ignoreEos: true,
};
const few = { model, max_tokens: 24 };
const response = { model, input: "Is gout a fever?", max_output_tokens: 24 };
const posts: [string, Json][] = [
  ["/v1/chat/completions", { ...few, messages, logprobs: true, top_logprobs: 2, n: 2 }],
  ["/v1/chat/completions", { ...few, messages, ...chatTool }],
  ["/v1/chat/completions", { ...few, messages, ...thinks }],
  ["/v1/completions", { ...few, prompt: ["a", "b"], logprobs: 3, echo: true, n: 2, best_of: 3 }],
  ["/v1/completions", { ...few, prompt: "a", ...thinks }],
  ["/v1/responses", { ...response, top_logprobs: 2, metadata: { a: "b" }, instructions: "Be brief." }],
  [
    "/v1/responses",
    { ...response, tools: [{ type: "function", ...tool }], tool_choice: "required", max_output_tokens: 200 },
  ],
  ["/v1/responses", { ...response, ...thinks, text: { format: { type: "text" } } }],
  ["/v1/messages", { ...few, messages, stop_sequences: ["a"] }],
  ["/v1/messages", { ...few, messages, ...toolUse }],
  ["/v1/messages", { ...few, messages, ...thinks }],
  ["/v1/messages/count_tokens", { model, messages }],
  ["/v1/embeddings", { model: "embedder", input: ["a", "b"] }],
  ["/v1/embeddings", { model: "embedder", input: "a ".repeat(9000), truncate: true, encoding_format: "base64" }],
  ["/v1/rerank", { model: "ranker", query: "a", documents: ["a", "b"] }],
  ["/v2/rerank", { model: "ranker", query: "a", documents: ["a", { text: "b" }], return_documents: true }],
  ["/rerank", { model: "ranker", query: "a", documents: ["a", "b"], top_n: 1 }],
  ["/v1/decisions", { model, messages, question: { type: "predicate" } }],
  ["/v1/decisions", { model, messages, question: { type: "choice", choices: ["a", "b"] }, threshold: 1 }],
  ["/v1/decisions", { model, messages, question: { type: "score", min: 0, max: 5 } }],
  ["/tokenize", { model, content: "Take 25 mg." }],
  ["/tokenize", { model, prompt: "Take 25 mg.", with_pieces: true, return_token_strs: true }],
  ["/detokenize", { model, tokens: [300, 301] }],
  ["/apply-template", { model, messages }],
  ["/v1/chat/completions/render", { model, messages, add_special_tokens: true }],
  ["/models/load", { model: "embedder" }],
  ["/models/unload", { model: "embedder" }],
];

test.each(posts)("POST %s answers in its form", async (at, body) => {
  const answer = await postJson(`${url()}${at}`, body);
  expect(problemsOf("post", at, answer)).toEqual([]);
  if ("tools" in body) expect(JSON.stringify(answer)).toMatch(/"tool_calls"|"function_call"|"tool_use"/);
  if ("thinkingTags" in body) expect(JSON.stringify(answer)).toMatch(/"reasoning(_text)?"|"thinking"/);
});

test.each(["/models", "/v1/models", "/v1/files", "/v1/batches", "/health", "/health/ready", "/health/live"])(
  "GET %s answers in its form",
  async (at) => {
    expect(problemsOf("get", at, await (await fetch(`${url()}${at}`)).json())).toEqual([]);
  },
);

test("files and batches answer in their forms, from the upload to the end", async () => {
  const line = { custom_id: "a", method: "POST", url: "/v1/embeddings", body: { model: "embedder", input: "a" } };
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", new Blob([JSON.stringify(line)]), "in.jsonl");
  const file = (await (await fetch(`${url()}/v1/files`, { method: "POST", body: form })).json()) as Json;
  expect(problemsOf("post", "/v1/files", file)).toEqual([]);
  const wanted = { input_file_id: file.id, endpoint: "/v1/embeddings", completion_window: "24h", metadata: { a: "b" } };
  let batch = await postJson(`${url()}/v1/batches`, wanted);
  expect(problemsOf("post", "/v1/batches", batch)).toEqual([]);
  const place = `${url()}/v1/batches/${batch.id}`;
  while (batch.status !== "completed") {
    batch = (await (await fetch(place)).json()) as Json;
    expect(problemsOf("get", "/v1/batches/{batch}", batch)).toEqual([]);
  }
  expect(problemsOf("post", "/v1/batches/{batch}/cancel", await postJson(`${place}/cancel`, {}))).toEqual([]);
  for (const at of ["/v1/files", "/v1/batches"]) {
    expect(problemsOf("get", at, await (await fetch(`${url()}${at}`)).json())).toEqual([]);
  }
  const one = `${url()}/v1/files/${file.id}`;
  expect(problemsOf("get", "/v1/files/{file}", await (await fetch(one)).json())).toEqual([]);
  const gone = await fetch(one, { method: "DELETE" });
  expect(problemsOf("delete", "/v1/files/{file}", await gone.json())).toEqual([]);
});

test("a wrong answer would be found", () => {
  const answer = { prompt: "p", stop: [], model: "m" };
  expect(problemsOf("post", "/apply-template", answer)).toEqual([]);
  expect(problemsOf("post", "/apply-template", { ...answer, stop: "s" })).toHaveLength(1);
  expect(problemsOf("post", "/apply-template", { ...answer, more: 1 })).toHaveLength(1);
});

test("every call says the form of what it answers, and of what it takes", () => {
  const open = Object.entries(document.paths).flatMap(([at, methods]) =>
    Object.entries(methods as Json)
      .filter(([, { responses, requestBody }]: [string, Json]) => {
        const contents = [responses[200].content, ...(requestBody === undefined ? [] : [requestBody.content])];
        const schemas = contents.map((each) => Object.values(each).map(({ schema }: Json) => schema));
        const known = ({ properties, anyOf, oneOf, type }: Json) => properties ?? anyOf ?? oneOf ?? type === "string";
        return !schemas.every((each) => each.length > 0 && each.every((schema) => schema && known(schema)));
      })
      .map(([method]) => `${method} ${at}`),
  );
  expect(open).toEqual([]);
});

test("the form that uploads a file is in it", () => {
  const { content } = document.paths["/v1/files"].post.requestBody;
  expect(content["multipart/form-data"].schema).toEqual({
    type: "object",
    properties: {
      file: { type: "string", format: "binary" },
      purpose: { type: "string", enum: ["batch", "user_data"] },
    },
    required: ["file", "purpose"],
  });
});

test.each([
  ["/v1/rerank", {}, 400],
  ["/v1/chat/completions", { model: "other", messages }, 404],
  ["/v1/chat/completions", { model, messages: [{ role: "user", content: "a ".repeat(9000) }] }, 400],
  ["/v1/messages", {}, 400],
  ["/v1/messages", { model, max_tokens: 1, messages: [{ role: "user", content: "a ".repeat(9000) }] }, 400],
  ["/v1/messages/count_tokens", { model: "other", messages }, 404],
])("an error of %s answers in its form", async (at, body, status) => {
  const response = await post(`${url()}${at}`, body);
  expect(response.status).toBe(status);
  expect(contract.problemsOfError({ at }, await response.json())).toEqual([]);
});
