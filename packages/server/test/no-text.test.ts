/**
 * A patient's name in every place of every request of the API, as its document lists them, is in nothing that the server keeps
 * or says of requests: no log line, metric, audit line or span, no error, no header of an answer. Endpoints that are added are
 * walked through as well.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { listen, type Listening } from "@medinfer/server";

import { plantedRequests, type Planted } from "./support/planted.js";
import { model, type Json } from "./support/running.js";
import { keepSpans } from "./support/spans.js";

const NAME = "Zebulon Quackenbush";
/** A name that could be one of a program's: an error may tell its sender of it, and nobody else. */
const WORD = "Quackenbush";
const FOUND = /quackenbush|zebulon/i;
/** A stream without an end is left after so long. */
const STREAM_MS = 500;
const AT_ONCE = 4;

const spans = keepSpans();
const folder = mkdtempSync(path.join(tmpdir(), "medinfer-no-text-"));
const audit = path.join(folder, "audit.jsonl");
const logged: string[] = [];
let server: Listening;
let document: Json;

/** Headers that clients and proxies send, and one that nobody does. */
const headersWith = (name: string) => ({
  authorization: `Bearer ${name}`,
  // One that has the form of an id is the sender's to choose, and is logged.
  "x-request-id": NAME,
  "user-agent": name,
  accept: `application/json, ${name}`,
  "accept-language": name,
  cookie: `name=${name}`,
  referer: `http://x/${name}`,
  origin: `http://${name}`,
  tracestate: "v=Quackenbush",
  baggage: "patient=Quackenbush",
  "x-forwarded-for": name,
  "x-api-key": name,
  "openai-organization": name,
  "x-stainless-lang": name,
  "x-stainless-retry-count": name,
  "idempotency-key": name,
  "last-event-id": name,
  [name.replace(" ", "-")]: name,
});
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

beforeAll(async () => {
  server = await listen({
    models: [{ name: model, nThreads: 1, keepLoaded: true }],
    port: 0,
    drainMs: 1000,
    logLevel: "trace",
    logTo: { write: (line) => logged.push(line) },
    audit: { file: audit },
  });
  await server.service.start();
  document = await (await fetch(`${server.url}/openapi.json`)).json();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a client is told that may not have the name: headers of all answers, bodies of failures, failures in streams. */
async function told(planted: Planted, name: string, traceparent: string): Promise<{ status: number; said: string }> {
  const { method, path: at, body } = planted;
  const controller = new AbortController();
  const response = await fetch(`${server.url}${at}`, {
    method,
    headers: { ...headersWith(name), traceparent, ...planted.headers },
    body,
    signal: controller.signal,
  });
  const head = JSON.stringify([...response.headers]);
  const streams = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const timer = streams && method === "GET" ? setTimeout(() => controller.abort(), STREAM_MS) : undefined;
  const text = await response.text().catch(() => "");
  clearTimeout(timer);
  // What an answer says is the model's or, of /detokenize and its like, the request's own.
  const errors = response.ok ? text.split("\n").filter((line) => line.startsWith('data: {"error"')) : [text];
  return { status: response.status, said: [head, ...errors].join("\n") };
}

/** Sends all of them. @returns where an answer had the name, and the statuses of each endpoint */
async function walk(name: string) {
  const requests = plantedRequests(document, name, model);
  const leaks: string[] = [];
  const statuses = new Map<string, Set<number>>();
  let sent = 0;
  const some = async () => {
    for (const planted of requests) {
      sent += 1;
      const { status, said } = await told(planted, name, sent % 2 === 0 ? PARENT : name);
      if (FOUND.test(said)) leaks.push(planted.where);
      const endpoint = planted.where.replace(/:.*/, "");
      statuses.set(endpoint, (statuses.get(endpoint) ?? new Set()).add(status));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return { sent, leaks, statuses };
}

test("no answer says it", { timeout: 600_000 }, async () => {
  const { sent, leaks, statuses } = await walk(NAME);
  expect(leaks).toEqual([]);
  expect(sent).toBeGreaterThan(100);
  // Some got as far as the model, some did not: the walk went through both.
  expect([...statuses.get("POST /v1/chat/completions")!]).toEqual(expect.arrayContaining([200, 400, 404]));
  expect([...statuses.values()].flatMap((each) => [...each]).filter((status) => status >= 500)).toEqual([]);
});

test("the same with a word", { timeout: 600_000 }, async () => {
  const { sent } = await walk(WORD);
  expect(sent).toBeGreaterThan(100);
});

test("nor do those to what is no HTTP", async () => {
  for (const text of [`${NAME}\r\n\r\n`, `GET /${NAME} HTTP/1.1\r\n\r\n`, `GET / HTTP/1.1\r\n${NAME}\r\n\r\n`]) {
    const { port } = new URL(server.url);
    const answer = await new Promise<string>((resolve) => {
      let received = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
      socket.on("data", (data) => (received += data.toString())).on("error", () => {});
      socket.on("close", () => resolve(received));
    });
    expect(answer).not.toMatch(FOUND);
  }
});

test("no metric has it", async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('endpoint="POST /v1/chat/completions"');
  expect(text).not.toMatch(FOUND);
});

test("no span has it", () => {
  const kept = spans.getFinishedSpans();
  expect(kept.filter((span) => span.parentSpanContext?.traceId === PARENT.split("-")[1])).not.toEqual([]);
  const all = kept.map(({ name, attributes, events, links, status, parentSpanContext, resource }) =>
    JSON.stringify({
      name,
      attributes,
      events,
      links,
      status,
      parentSpanContext,
      state: parentSpanContext?.traceState?.serialize(),
      resource: resource.attributes,
    }),
  );
  for (const each of all) expect(each).not.toMatch(FOUND);
});

test("no line of the log has it, at any level", () => {
  expect(logged.length).toBeGreaterThan(100);
  for (const line of logged) expect(line).not.toMatch(FOUND);
});

test("no line of the audit log has it", async () => {
  await server.close();
  const lines = readFileSync(audit, "utf8").trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(100);
  for (const line of lines) expect(line).not.toMatch(FOUND);
});
