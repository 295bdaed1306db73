/** How streams end, whoever breaks them: with real sockets. */
import { connect, type Socket } from "node:net";
import { once } from "node:events";

import { describe, expect, test } from "vitest";

import { listen } from "@medinfer/server";

import { model, post, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const { url, server } = running({ timeLimitMs: 60_000 });
const messages = [{ role: "user", content: "What is hypertension?" }];
const endless = { model, messages, stream: true, max_tokens: 3000, ignoreEos: true, maxDraftTokens: 0, temperature: 0 };
const path = () => `${url()}/v1/chat/completions`;

const engine = () => server().service.models.find(model).engine!;

/** A request by hand: nothing reads the answer unless the test does. */
function rawPost(body: object): Socket {
  const { port } = new URL(url());
  const text = JSON.stringify(body);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  return socket;
}

describe("a client that goes away", () => {
  test("in mid-stream ends its request", async () => {
    const { generatedTokens } = engine().stats();
    const controller = new AbortController();
    const response = await post(path(), endless, { signal: controller.signal });
    await response.body!.getReader().read();
    expect(engine().stats().running).toBe(1);
    controller.abort();
    await until(() => engine().stats().running === 0, 5_000);
    // By no end of its own.
    expect(engine().stats().generatedTokens - generatedTokens).toBeLessThan(endless.max_tokens);
  });

  test("before the first byte ends it as well, streamed or not", async () => {
    for (const stream of [true, false]) {
      const socket = rawPost({ ...endless, stream });
      await until(() => engine().stats().running + engine().stats().queued > 0, 5_000);
      socket.destroy();
      await until(() => engine().stats().running + engine().stats().queued === 0, 5_000);
    }
  });
});

test("a client that closes its side of the connection is gone: nothing tells it from one that has closed all", async () => {
  const socket = rawPost({ ...endless, stream: false });
  let received = "";
  socket.on("data", (data) => (received += data.toString()));
  await until(() => engine().stats().running === 1, 5_000);
  const closed = once(socket, "close");
  socket.end();
  await closed;
  await until(() => engine().stats().running + engine().stats().queued === 0, 5_000);
  expect(received).toBe("");
});

test("a client that reads slowly pauses its own request and no other", async () => {
  // Logprobs make it too much for the buffers between.
  const socket = rawPost({ ...endless, logprobs: true, top_logprobs: 20 });
  socket.pause();
  await until(() => engine().stats().paused === 1, 20_000);
  const other = await post(path(), { model, messages, max_tokens: 8 });
  expect(((await other.json()) as Json).usage.completion_tokens).toBeGreaterThan(0);
  expect(engine().stats().paused).toBe(1);
  socket.destroy();
  await until(() => engine().stats().running === 0, 5_000);
});

test("a failure in mid-stream is an event, and then the socket ends without the last chunk", async () => {
  const socket = rawPost(endless);
  let received = "";
  socket.on("data", (data) => (received += data.toString()));
  await until(() => received.includes("data: "), 5_000);
  const gone = once(socket, "close");
  await server().service.models.unload(server().service.models.find(model));
  await gone;
  const events = received.split("\n\n");
  const error = JSON.parse(/data: (\{"error".*\})/.exec(events.at(-2) ?? "")?.[1] ?? "null");
  expect(error?.error).toEqual({
    message: expect.any(String),
    type: "server_error",
    param: null,
    code: "model_unloaded",
  });
  expect(received).not.toContain("[DONE]");
  expect(received).not.toMatch(/"finish_reason":"/);
  // No chunk of the length 0: chunked, and broken.
  expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
});

test("the time limit of a request ends it as length", async () => {
  const response = await post(path(), { ...endless, stream: false, timeLimitMs: 50 });
  expect(((await response.json()) as Json).choices[0].finish_reason).toBe("length");
});

test("a server that drains says so, takes no new request, and lives", async () => {
  const draining = await listen({ models: [{ name: model, keepLoaded: true }], port: 0 });
  const status = async (where: string) => (await fetch(`${draining.url}${where}`)).status;
  expect(await status("/health/ready")).toBe(503);
  await draining.service.start();
  expect(await status("/health/ready")).toBe(200);
  draining.service.drain();
  expect(await status("/health/ready")).toBe(503);
  expect(await status("/health/live")).toBe(200);
  const refused = await post(`${draining.url}/v1/chat/completions`, { model, messages });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  await draining.close();
});
