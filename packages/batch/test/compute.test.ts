/** Rows that an engine, or a server, computes: real ones, on the embedded model. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { listen, type Listening } from "@medinfer/server";

import { fromRoot } from "../../../test/support/paths.mjs";
import { computeWithEngine, computeWithServer, type Answer, type Compute, type Row } from "../src/index.js";
import { temporaryFolder } from "./support/queues.js";

const page = fromRoot("examples", "prescriptions", "00000.png");
const sha256 = createHash("sha256").update(readFileSync(page)).digest("hex");
const schema = {
  type: "object",
  properties: { drug: { type: "string", maxLength: 20 } },
  required: ["drug"],
  additionalProperties: false,
};
const folder = temporaryFolder();

function rowOf(ask: Partial<Row["ask"]> = {}, over: Partial<Row> = {}): Row {
  return {
    run: "r",
    id: "1".repeat(64),
    ref: page,
    page: 1,
    sha256,
    ask: { prompt: "Which drug is on it?", ...ask },
    ...over,
  };
}

const context = () => ({ signal: new AbortController().signal, attempt: 1 });

function cases(compute: () => Compute): void {
  test("answers with the text, and with a schema its value", async () => {
    const answer = (await compute()(rowOf({ schema, options: { sampling: { temperature: 0 } } }), context())) as Answer;
    expect(answer.parsed).toEqual({ drug: expect.any(String) as string });
    expect(JSON.parse(answer.text)).toEqual(answer.parsed);
    expect(answer.usage.completionTokens).toBeGreaterThan(0);
  });

  test("an answer that is cut is no success", async () => {
    const cut = compute()(rowOf({ options: { nPredict: 1 } }), context());
    await expect(cut).rejects.toMatchObject({ code: "ANSWER_CUT", retryable: false });
  });

  test("a file that is no image, that has changed, that is gone; a page of a document", async () => {
    const broken = path.join(folder, "broken.png");
    writeFileSync(broken, "no image");
    await expect(compute()(rowOf({}, { ref: broken, sha256: null }), context())).rejects.toMatchObject({
      retryable: false,
    });
    await expect(compute()(rowOf({}, { ref: broken }), context())).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
    const gone = compute()(rowOf({}, { ref: path.join(folder, "gone.png") }), context());
    await expect(gone).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", retryable: false });
    await expect(compute()(rowOf({}, { page: 2 }), context())).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
  });

  test("it ends when its signal comes", async () => {
    const ended = new AbortController();
    const running = compute()(rowOf(), { signal: ended.signal, attempt: 1 });
    ended.abort();
    await expect(running).rejects.toThrow();
  });
}

describe("an engine", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ nThreads: 1 });
  });
  afterAll(() => engine.close());
  cases(() => computeWithEngine(engine));
});

describe("a server", () => {
  let server: Listening;
  beforeAll(async () => {
    server = await listen({
      models: [{ name: "medinfer-tiny", aliases: ["default"], nThreads: 1, keepLoaded: true }],
      port: 0,
    });
    await server.service.start();
  });
  afterAll(() => server.close());
  cases(() => computeWithServer(server.url));

  test("one that is not there may be there later", async () => {
    const row = computeWithServer("http://127.0.0.1:1")(rowOf(), context());
    await expect(row).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", retryable: true });
    expect(() => computeWithServer("gpu1")).toThrow(/http:\/\/gpu1/);
  });

  test("a model that it has not is the row's error", async () => {
    const row = computeWithServer(`${server.url}/v1/`)(rowOf({ model: "other" }), context());
    await expect(row).rejects.toMatchObject({ code: "MODEL_NOT_FOUND", retryable: false });
  });
});

describe("what servers say", () => {
  let http: Server;
  let asked: IncomingMessage[] = [];
  let answer: { status: number; headers?: Record<string, string>; body: string };
  beforeAll(async () => {
    http = createServer((request, response) => {
      asked.push(request);
      request.resume().on("end", () => response.writeHead(answer.status, answer.headers).end(answer.body));
    }).listen(0, "127.0.0.1");
    await once(http, "listening");
  });
  afterAll(() => http.close());
  const url = () => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  test.each([
    [429, '{"error":{"code":"queue_full","message":"Anna Meier"}}', "QUEUE_FULL", true],
    [503, "down", "SERVER_ERROR", true],
    [400, '{"error":{"code":"image_decode"}}', "IMAGE_DECODE", false],
    [401, "{}", "SERVER_ERROR", false],
    [200, "{}", "SERVER_ERROR", false],
    [200, "<html>", "SERVER_UNREACHABLE", true],
  ])("%d %s: %s", async (status, body, code, retryable) => {
    answer = { status, body, headers: { "retry-after": "7" } };
    asked = [];
    const row = computeWithServer(url(), { apiKey: "key" })(rowOf(), context());
    const error = (await row.then(
      () => undefined,
      (reason: unknown) => reason,
    )) as Error & { retryAfterMs?: number };
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).not.toContain("Anna");
    if (status === 429) expect(error.retryAfterMs).toBe(7000);
    expect(asked[0]!.headers["idempotency-key"]).toBe(`r-${"1".repeat(64)}`);
    expect(asked[0]!.headers.authorization).toBe("Bearer key");
  });
});
