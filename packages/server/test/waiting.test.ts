/** What a client sees while its request waits for its turn or its model: a real server, real sockets, a clock that the test turns. */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { listen, type Listening } from "@medinfer/server";

import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const file = path.join(temporaryFolder(), "keys.json");
const keys = { ward: keyOf(file, "ward"), few: keyOf(file, "few") };
const operator = keyOf(file, "operator", { roles: ["admin"] });
const tenants = { few: { requestsPerMinute: 1 } };
writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), tenants }));

function newGate() {
  let resolve = () => {};
  let reject = (_: Error) => {};
  const promise = new Promise<void>((onEnd, onError) => ([resolve, reject] = [onEnd, onError]));
  return { promise, resolve, reject };
}

let server: Listening;
/** Of the model "late": it loads when this settles. */
let gate = newGate();
beforeAll(async () => {
  server = await listen({
    keys: file,
    port: 0,
    drainMs: 0,
    models: [
      { name: model, nThreads: 1, batchSize: 1, maxQueue: 3, keepLoaded: true },
      { name: "late", nThreads: 1 },
    ],
    async loadEngine({ name, aliases: _, keepLoaded: __, ...options }) {
      if (name === "late") await gate.promise;
      return Engine.load(options);
    },
  });
  await server.service.start();
});
afterAll(() => server.close());

const sockets: Socket[] = [];
beforeEach(() => {
  gate = newGate();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(async () => {
  vi.useRealTimers();
  for (const each of sockets.splice(0)) each.destroy();
  await until(async () => (await usage("ward")).requests === 0);
});

const messages = [{ role: "user", content: "What is gout?" }];
const chat = { model, messages, max_tokens: 4, temperature: 0 };

interface Asked {
  text: string;
  closed: boolean;
  socket: Socket;
}

/** A request by hand: clients have clocks of their own. */
function ask(body: object, at = "/v1/chat/completions", key = keys.ward): Asked {
  const sent = JSON.stringify(body);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1").setEncoding("utf8");
  const asked: Asked = { text: "", closed: false, socket };
  sockets.push(socket);
  socket.on("error", () => {});
  socket.on("data", (data: string) => (asked.text += data));
  socket.on("close", () => (asked.closed = true));
  socket.write(
    `POST ${at} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}\r\n` +
      `content-length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`,
  );
  return asked;
}

/** Lets sockets and the engine do what they have to, at the real clock. */
async function comes(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200_000 && !holds(); i++) await new Promise((done) => setImmediate(done));
  expect(holds()).toBe(true);
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let i = 0; i < 100; i++) await new Promise((done) => setImmediate(done));
}

const engine = () => server.service.models.find(model).engine!;

async function usage(tenant: string): Promise<{ requests: number; waiting: number }> {
  const { data } = (await (await fetch(`${server.url}/admin/tenants`, { headers: bearer(operator) })).json()) as Json;
  return data.find((each: Json) => each.tenant === tenant) ?? { requests: 0, waiting: 0 };
}

/** Takes both places of the model: one is running, one in the engine's queue. @returns gives them back */
async function occupy(): Promise<() => void> {
  const endless = {
    ...chat,
    max_tokens: 4000,
    ignoreEos: true,
    maxDraftTokens: 0,
    stream: true,
    logprobs: true,
    top_logprobs: 20,
  };
  const holding = [ask(endless), ask(endless)];
  // Nobody reads: it runs until it is given up.
  for (const { socket } of holding) socket.pause();
  await comes(() => engine().stats().running + engine().stats().queued === 2);
  return () => holding.forEach(({ socket }) => socket.destroy());
}

const comments = ({ text }: Asked) => text.split(": keep-alive\n\n").length - 1;
const isStatus = (asked: Asked, status: number) => asked.text.startsWith(`HTTP/1.1 ${status} `);

const forms = [
  ["/v1/chat/completions", chat, "[DONE]"],
  ["/v1/completions", { model, prompt: "Gout is", max_tokens: 4 }, "[DONE]"],
  ["/v1/responses", { model, input: "What is gout?", max_output_tokens: 4 }, "response.in"],
  ["/v1/messages", chat, "message_stop"],
] as const;

describe("a stream that waits for its turn", () => {
  test.each(forms)("%s: headers after a second, comments, and then its answer", async (at, body, end) => {
    const release = await occupy();
    const asked = ask({ ...body, stream: true }, at);
    await comes(() => server.service.models.find(model).leases === 3);
    await pass(900);
    expect(asked.text).toBe("");
    await pass(200);
    await comes(() => isStatus(asked, 200));
    expect(asked.text).toContain("content-type: text/event-stream");
    await pass(60_000);
    await comes(() => comments(asked) >= 3);
    expect(asked.text).not.toContain("data: ");
    release();
    await comes(() => asked.text.endsWith("\r\n0\r\n\r\n"));
    expect(asked.text).toContain(end);
  });

  test("for too long is told in the stream, which breaks", async () => {
    const release = await occupy();
    const asked = ask({ ...chat, stream: true });
    await comes(() => server.service.models.find(model).leases === 3);
    await pass(121_000);
    await comes(() => asked.closed);
    expect(asked.text).toMatch(/data: {"error":{[^}]*"code":"queue_timeout"}}\n\n/);
    expect(asked.text).not.toMatch(/\r\n0\r\n\r\n$/);
    release();
  });
});

describe("a whole answer that waits for its turn", () => {
  test.each([...forms.map(([at, body]) => [at, body] as const), decision()])(
    "%s: headers after ten seconds, blanks, and then the JSON",
    async (at, body) => {
      const release = await occupy();
      const asked = ask(body, at);
      await comes(() => server.service.models.find(model).leases === 3);
      await pass(9_900);
      expect(asked.text).toBe("");
      await pass(200);
      await comes(() => isStatus(asked, 200));
      await pass(60_000);
      await comes(() => asked.text.split("1\r\n \r\n").length - 1 === 5);
      release();
      await comes(() => asked.text.endsWith("}\r\n0\r\n\r\n"));
    },
  );

  test("for too long breaks", async () => {
    const release = await occupy();
    const asked = ask(chat);
    await comes(() => server.service.models.find(model).leases === 3);
    await pass(121_000);
    await comes(() => asked.closed);
    expect(asked.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(asked.text).not.toMatch(/\r\n0\r\n\r\n$/);
    release();
  });
});

function decision() {
  const question = { type: "predicate" };
  return ["/v1/decisions", { model, messages, question }] as const;
}

test("what can be refused at once has its status, however full the model is", async () => {
  const release = await occupy();
  const waiting = [ask(chat), ask(chat), ask(chat)];
  await comes(() => server.service.models.find(model).leases === 5);
  const refused = async (status: number, asked: Asked) => {
    await comes(() => asked.text !== "");
    expect(asked.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  };
  for (const stream of [true, false]) {
    await refused(429, ask({ ...chat, stream })); // too many wait
    await refused(404, ask({ ...chat, stream, model: "none" }));
    await refused(400, ask({ ...chat, stream, temperature: 9 }));
    await refused(401, ask({ ...chat, stream }, undefined, "wrong"));
  }
  for (const { socket } of waiting) socket.destroy();
  release();
});

describe("a model that loads", () => {
  test("is waited for behind the headers", async () => {
    const stream = ask({ ...chat, model: "late", stream: true });
    const whole = ask({ ...chat, model: "late" });
    await comes(() => server.service.models.find("late").state === "loading");
    await pass(1_100);
    await comes(() => isStatus(stream, 200));
    expect(whole.text).toBe("");
    await pass(30_000);
    await comes(() => isStatus(whole, 200));
    await comes(() => comments(stream) >= 1);
    gate.resolve();
    await comes(() => stream.text.endsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
    await comes(() => whole.text.endsWith("}\r\n0\r\n\r\n"));
    await server.service.models.unload(server.service.models.find("late"));
  });

  test("that fails late: an error event, and a connection that breaks", async () => {
    const stream = ask({ ...chat, model: "late", stream: true });
    await comes(() => server.service.models.find("late").state === "loading");
    await pass(1_100);
    await comes(() => isStatus(stream, 200));
    gate.reject(new Error("a file of the host"));
    await comes(() => stream.closed);
    expect(stream.text).toMatch(/data: {"error":{[^}]*"code":"internal_error"}}\n\n/);
    expect(stream.text).not.toContain("a file");
    expect(stream.text).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test("is not loaded for a tenant that has used up its requests", async () => {
    vi.useRealTimers();
    const bearing = { headers: bearer(keys.few) };
    expect((await post(`${server.url}/v1/chat/completions`, chat, bearing)).status).toBe(200);
    const second = await post(`${server.url}/v1/chat/completions`, { ...chat, model: "late" }, bearing);
    expect(second.status).toBe(429);
    expect(server.service.models.find("late").state).toBe("unloaded");
  });
});
