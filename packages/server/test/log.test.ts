import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { listen, type Listening } from "@medinfer/server";

import { describe as described } from "../src/telemetry/log/place.js";
import { model, post, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const lines: Json[] = [];
let server: Listening;

/** A defect whose message quotes, over several lines that look like frames. */
const defect = () => new TypeError("cannot read Quackenbush\n    at Quackenbush (/home/Quackenbush.js:1:1)");

beforeAll(async () => {
  server = await listen({
    models: [
      { name: model, nThreads: 1, keepLoaded: true },
      { name: "missing", model: "/no/such/model.gguf" },
      { name: "wrong-options", nCtx: "Quackenbush" as unknown as number },
      { name: "wrong-file", model: 5 as unknown as string },
    ],
    port: 0,
    logLevel: "info",
    logTo: { write: (line) => lines.push(JSON.parse(line)) },
  });
  await server.service.start();
});
afterAll(() => server.close());
beforeEach(() => void lines.splice(0));

const ask = (body: object, headers: Record<string, string> = {}) =>
  post(
    `${server.url}/v1/chat/completions`,
    { model, messages: [{ role: "user", content: "ahh" }], ...body },
    { headers },
  );

test("a request is one line: who, what, how long, and no more", async () => {
  const headers = { "x-request-id": "abc-1", "user-agent": "some/1.0", "x-stainless-retry-count": "2" };
  await (await ask({ max_tokens: 3, ignoreEos: true }, headers)).text();
  await until(() => lines.length > 0);
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      id: "abc-1",
      endpoint: "POST /v1/chat/completions",
      status: 200,
      outcome: "answered",
      ms: expect.any(Number),
      model,
      key: "none",
      tenant: "default",
      promptTokens: expect.any(Number),
      completionTokens: 3,
      bytes: expect.any(Number),
      retry: 2,
      msg: "request",
    },
  ]);
});

test("health and metrics are left out", async () => {
  await fetch(`${server.url}/health`);
  await fetch(`${server.url}/metrics`);
  await (await ask({ temperature: 9 })).text();
  await until(() => lines.length > 0);
  expect(lines.map(({ endpoint, code }) => [endpoint, code])).toEqual([["POST /v1/chat/completions", "invalid_value"]]);
});

test("what a 500 was made of: the library's message, which names a file, is the operator's", async () => {
  const response = await ask({ model: "missing" });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("/no/such");
  await until(() => lines.length > 1);
  const [line] = lines;
  expect(line).toMatchObject({ level: "error", id: response.headers.get("x-request-id"), code: "model_file_missing" });
  expect(line.error.message).toContain("/no/such/model.gguf");
  expect(line.error.place.length).toBeGreaterThan(0);
  expect(lines[1]).toMatchObject({ level: "warn", msg: "request", status: 500 });
});

test.each(["wrong-options", "wrong-file"])("%s: what a load refuses is the server's fault", async (name) => {
  const response = await ask({ model: name });
  const { error } = (await response.json()) as Json;
  expect([response.status, error.code, error.param]).toEqual([500, "model_load_failed", null]);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(error.message).toBe(`the model ${name} cannot be loaded: the server's log says why`);
  await until(() => lines.length > 1);
  expect(lines[0]).toMatchObject({ level: "error", code: "model_load_failed", error: { code: "INVALID_ARGUMENT" } });
  expect(lines[0].error.message).toContain(name === "wrong-file" ? "model" : "nCtx");
  expect(lines[1]).toMatchObject({ level: "warn", msg: "request", status: 500, model: name });
});

test("a load that nobody waited for is told of too", async () => {
  const own: Json[] = [];
  const other = await listen({
    models: [{ name: "c", nCtx: "512" as unknown as number }],
    port: 0,
    whileLoading: "refuse",
    logTo: { write: (line) => own.push(JSON.parse(line)) },
  });
  const codes: string[] = [];
  await until(async () => {
    const response = await post(`${other.url}/v1/completions`, { model: "c", prompt: "ahh" });
    codes.push(((await response.json()) as Json).error.code);
    return codes.at(-1) === "model_load_failed";
  });
  expect(codes[0]).toBe("model_loading");
  const failure = { level: "error", code: "model_load_failed", msg: "a request failed" };
  await until(() => own.some(({ level }) => level === "error"));
  await other.close();
  expect(own).toContainEqual(expect.objectContaining(failure));
});

test("of other errors the place, and no message", async () => {
  const own: Json[] = [];
  const other = await listen({
    models: [{ name: model }],
    port: 0,
    loadEngine: () => Promise.reject(defect()),
    logTo: { write: (line) => own.push(JSON.parse(line)) },
  });
  const response = await post(`${other.url}/v1/chat/completions`, {
    model,
    messages: [{ role: "user", content: "ahh" }],
  });
  expect(response.status).toBe(500);
  await until(() => own.length > 0);
  await other.close();
  expect(JSON.stringify(own)).not.toContain("Quackenbush");
  expect(own[0].error).toMatchObject({
    name: "TypeError",
    place: expect.arrayContaining([expect.stringContaining("log.test.ts")]),
  });
});

test("a cause is told as well, and what is thrown need not be an error", () => {
  const found = described(new Error("Quackenbush", { cause: defect() }));
  expect(found.cause?.name).toBe("TypeError");
  expect(found.place?.[0]).toContain("log.test.ts");
  expect(JSON.stringify(found)).not.toContain("Quackenbush");
  expect(described("Quackenbush")).toEqual({ name: "a thrown string" });
});
