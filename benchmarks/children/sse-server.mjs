// A server that sends an event to each of its streams at every tick, as an engine's batch would, and counts its CPU time.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { serve } from "../lib/worker.mjs";

const TICK_MS = 5;
const EVENT = {
  id: "chatcmpl-0123456789",
  object: "chat.completion.chunk",
  created: 1,
  model: "medinfer-tiny",
  choices: [{ index: 0, delta: { content: " metformin" }, logprobs: null, finish_reason: null }],
};
const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-cache" };

/** Each has the stream's `write` and `end`. */
const sinks = [];
let wanted = 0;
let perStream = 0;

/** Calls back with a sink as soon as a request is there. */
const toNode = (outgoing) => {
  outgoing.writeHead(200, HEADERS);
  sinks.push({ write: (text) => outgoing.write(text), end: () => outgoing.end() });
};

const systems = {
  http: async () => listening(createServer((_incoming, outgoing) => toNode(outgoing))),

  "hono direct": async (load) => {
    const { Hono } = load("hono");
    const { RESPONSE_ALREADY_SENT } = load("@hono/node-server/utils/response");
    const app = new Hono();
    app.get("/", (c) => {
      toNode(c.env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    return listening(createServer(load("@hono/node-server").getRequestListener(app.fetch)));
  },

  "hono ReadableStream": async (load) => {
    const { Hono } = load("hono");
    const app = new Hono();
    const encoder = new TextEncoder();
    app.get("/", () => {
      const body = new ReadableStream({
        start(controller) {
          sinks.push({
            write: (text) => controller.enqueue(encoder.encode(text)),
            end: () => controller.close(),
          });
        },
      });
      return new Response(body, { headers: HEADERS });
    });
    return listening(createServer(load("@hono/node-server").getRequestListener(app.fetch)));
  },

  "hono streamSSE": async (load) => {
    const { Hono } = load("hono");
    const { streamSSE } = load("hono/streaming");
    const app = new Hono();
    app.get("/", (c) =>
      streamSSE(c, async (stream) => {
        await new Promise((end) => {
          sinks.push({ write: (text) => stream.writeSSE({ data: text.slice(6, -2) }), end });
        });
      }),
    );
    return listening(createServer(load("@hono/node-server").getRequestListener(app.fetch)));
  },

  "fastify hijacked": async (load) => {
    const app = load("fastify")();
    app.get("/", (_request, reply) => {
      reply.hijack();
      toNode(reply.raw);
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server.address().port;
  },

  "fastify Readable": async (load) => {
    const app = load("fastify")();
    app.get("/", (_request, reply) => {
      const body = new Readable({ read() {} });
      sinks.push({ write: (text) => body.push(text), end: () => body.push(null) });
      return reply.headers(HEADERS).send(body);
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server.address().port;
  },
};

function listening(server) {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

serve({
  /** @param {{ system: string, folder: string, streams: number, events: number }} options */
  async start({ system, folder, streams, events }) {
    wanted = streams;
    perStream = events;
    return systems[system](createRequire(path.join(folder, "package.json")));
  },

  /** Microseconds of this process's CPU time for an event: the making of its text, and the tick, included. */
  async cost() {
    while (sinks.length < wanted) await sleep(5);
    await sleep(50);
    const before = process.cpuUsage();
    for (let i = 0; i < perStream; i++) {
      for (const sink of sinks) sink.write(`data: ${JSON.stringify(EVENT)}\n\n`);
      await sleep(TICK_MS);
    }
    const { user, system } = process.cpuUsage(before);
    for (const sink of sinks) sink.end();
    return (user + system) / (wanted * perStream);
  },
});
