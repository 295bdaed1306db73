/** A failure that is told in an open stream repeats nothing of its request: as one with a status of its own. */
import { request, type IncomingMessage } from "node:http";

import { beforeEach, expect, test } from "vitest";

import { model, running } from "./support/running.js";
import { until } from "./support/until.js";

const { url, server } = running();
const models = () => server().service.models;
beforeEach(() => models().load(models().find(model)));

/** What the engine says to requests that run when it is unloaded: here a request has said the same. */
const said = "engine was closed";
const messages = [{ role: "user", content: said }];
const json = { "content-type": "application/json" };
const endless = { model, stream: true, ignoreEos: true, maxDraftTokens: 0 };

test.each([
  ["/v1/chat/completions", { messages, max_tokens: 3000 }],
  ["/v1/completions", { prompt: said, max_tokens: 3000 }],
  ["/v1/responses", { input: said, max_output_tokens: 3000 }],
  ["/v1/messages", { messages, max_tokens: 3000 }],
])("of %s", async (path, body) => {
  const { tail } = await broken(path, body);
  expect(tail).toContain("(…)");
  expect(tail).not.toContain(said);
});

test("and what it did not say stays", async () => {
  const { tail } = await broken("/v1/completions", { prompt: "What is gout?", max_tokens: 3000 });
  expect(tail).toContain(said);
});

test("also where the stream is read again", async () => {
  const { id } = await broken("/v1/completions", { prompt: said, max_tokens: 3000, resumable: true });
  const again = read(`${url()}/v1/streams/${id}`);
  await again.ended;
  const tail = failureIn(again.text());
  expect(tail).toContain("(…)");
  expect(tail).not.toContain(said);
});

/** A stream whose model is unloaded behind its first bytes. @returns its answer's id, and the events that tell of it */
async function broken(path: string, body: object): Promise<{ id: string; tail: string }> {
  const { text, ended } = read(url() + path, { ...endless, ...body });
  await until(() => text() !== "");
  await models().unload(models().find(model));
  await ended;
  return { id: /"id":"([\w-]+)"/.exec(text())![1]!, tail: failureIn(text()) };
}

/** A request and what has come for it. (fetch forgets bytes that nobody has read when the socket is destroyed.) */
function read(at: string, body?: object): { text: () => string; ended: Promise<unknown> } {
  let text = "";
  const asked = request(at, { method: body === undefined ? "GET" : "POST", headers: json });
  const ended = new Promise((resolve, reject) => {
    asked.on("error", reject);
    asked.on("response", (response: IncomingMessage) => {
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => reject(new Error("the stream ended as a whole one does"))).on("error", resolve);
    });
  });
  asked.end(body && JSON.stringify(body));
  return { text: () => text, ended };
}

/** The last events: of a response also the one that tells it as its end. */
function failureIn(text: string): string {
  const from = text.search(/event: response\.failed|event: error|data: \{"error"/);
  if (from < 0) throw new Error("no event tells of a failure");
  return text.slice(from);
}
