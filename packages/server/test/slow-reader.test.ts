/** Clients that stop reading, with real sockets: their requests end, and give back what they hold. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const folder = temporaryFolder();
const file = path.join(folder, "keys.json");
const auditFile = path.join(folder, "audit.jsonl");
const key = keyOf(file, "ward", { roles: ["user", "admin", "metrics"] });
const patience = 700;

const { url, server } = running({
  keys: file,
  audit: { file: auditFile },
  readPatienceMs: patience,
  models: [{ name: model, nThreads: 1, batchSize: 1, keepLoaded: true }],
});
const messages = [{ role: "user", content: "What is hypertension?" }];
/** Logprobs make it too much for the buffers between. */
const large = {
  model,
  messages,
  max_tokens: 3000,
  ignoreEos: true,
  maxDraftTokens: 0,
  logprobs: true,
  top_logprobs: 20,
  n: 2,
};
const engine = () => server().service.models.find(model).engine!;

let socket: Socket | undefined;
afterEach(() => socket?.destroy());

/** A request by hand: nothing reads the answer unless the test does. */
function ask(id: string, body: object): Socket {
  const text = JSON.stringify(body);
  socket = connect(Number(new URL(url()).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-request-id: ${id}\r\n` +
      `authorization: Bearer ${key}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  return socket;
}

async function lineOf(id: string): Promise<Json> {
  let found: Json;
  await until(() => {
    const lines = readFileSync(auditFile, "utf8").trimEnd().split("\n");
    found = lines.map((line) => JSON.parse(line) as Json).find((line) => line.id === id);
    return found !== undefined;
  }, 30_000);
  return found;
}

const get = async (at: string) => (await fetch(`${url()}${at}`, { headers: bearer(key) })).text();
const idle = async () => {
  const { data } = JSON.parse(await get("/admin/tenants")) as Json;
  return data[0].requests === 0 && engine().stats().running === 0 && engine().stats().kv.pagesUsed === 0;
};

test("a stream that nobody reads ends, is counted, and the next has its place", async () => {
  const asked = ask("stream", { ...large, stream: true });
  await until(() => engine().stats().paused === 1, 20_000);
  const next = post(`${url()}/v1/chat/completions`, { model, messages, max_tokens: 4 }, { headers: bearer(key) });
  expect(await lineOf("stream")).toMatchObject({ outcome: "slow_reader", code: "slow_reader", status: 200 });
  expect((await next).status).toBe(200);
  await until(idle);
  const counted = 'medinfer_requests_total{endpoint="POST /v1/chat/completions",status="200",outcome="slow_reader"} 1';
  expect(await get("/metrics")).toContain(counted);
  // Broken off, and not ended.
  let received = "";
  asked.on("data", (data) => (received += data.toString()));
  asked.resume();
  await once(asked, "close");
  expect(received).not.toContain("[DONE]");
  expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
});

test("a whole answer that nobody reads is thrown away, and has given its place back before", async () => {
  ask("whole", large);
  await until(() => engine().stats().running === 1);
  await until(idle, 40_000);
  expect(readFileSync(auditFile, "utf8")).not.toContain('"whole"');
  expect(await lineOf("whole")).toMatchObject({ outcome: "slow_reader", completionTokens: 6000 });
});

test("one that reads a little now and then is let be, for longer than the patience", async () => {
  const asked = ask("little", { ...large, stream: true });
  await until(() => engine().stats().paused === 1, 20_000);
  let received = "";
  const begun = performance.now();
  for (; performance.now() < begun + 4 * patience; await sleep(patience / 30)) {
    received += ((asked.read() as Buffer | null) ?? "").toString();
  }
  asked.on("data", (data) => (received += data.toString()));
  asked.resume();
  await until(() => received.endsWith("[DONE]\n\n\r\n0\r\n\r\n"), 40_000);
  asked.end();
  expect(await lineOf("little")).toMatchObject({ outcome: "answered" });
});

test("one for which nothing is there to read may wait", async () => {
  const holding = new AbortController();
  const endless = {
    model,
    messages,
    stream: true,
    max_tokens: 3000,
    ignoreEos: true,
    maxDraftTokens: 0,
    timeLimitMs: 4 * patience,
  };
  const held = post(`${url()}/v1/chat/completions`, endless, { headers: bearer(key), signal: holding.signal });
  await (await held).body!.getReader().read();
  const waiting = post(`${url()}/v1/chat/completions`, { model, messages, max_tokens: 4 }, { headers: bearer(key) });
  await until(() => engine().stats().queued === 1);
  await sleep(2 * patience);
  holding.abort();
  expect((await waiting).status).toBe(200);
});
