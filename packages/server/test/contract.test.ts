/** What the OpenAPI document says is what the server does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";

import { randomModel } from "../../../test/support/random-model.mjs";
import { model, post, postJson, running, type Json } from "./support/running.js";

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
beforeAll(async () => {
  document = (await (await fetch(`${url()}/openapi.json`)).json()) as Json;
});

test("the document is OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const operations = Object.values(document.paths).flatMap((each) => Object.values(each as object));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

/** Only fields that a schema names: an answer with more than the document says is as wrong as one with less. */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = schema.type !== "object" || schema.properties === undefined || schema.additionalProperties !== undefined;
  return open ? inner : { ...inner, additionalProperties: false };
}

function problemsOf(method: string, at: string, answer: Json): string[] {
  const { schema } = document.paths[at][method].responses[200].content["application/json"];
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.validate(closed(schema), answer);
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${at}${instancePath} ${message}`);
}

const messages = [{ role: "user", content: "Is gout a fever?" }];
const posts: [string, Json][] = [
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
  expect(problemsOf("post", at, await postJson(`${url()}${at}`, body))).toEqual([]);
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

test("every call that answers with JSON says its form", () => {
  const open = Object.entries(document.paths).flatMap(([at, methods]) =>
    Object.entries(methods as Json)
      .filter(([, { responses }]: [string, Json]) => {
        const schema = responses[200].content["application/json"]?.schema;
        return (
          schema !== undefined &&
          schema.properties === undefined &&
          responses[200].content["text/event-stream"] === undefined
        );
      })
      .map(([method]) => `${method} ${at}`),
  );
  // The bytes of a file, and this document.
  expect(open).toEqual(["get /v1/files/{file}/content", "get /openapi.json"]);
});

test("an error answers in its form", async () => {
  const response = await post(`${url()}/v1/rerank`, {});
  const ajv = new Ajv2020({ strict: false });
  expect(ajv.validate(document.components.schemas.Error, await response.json())).toBe(true);
});
