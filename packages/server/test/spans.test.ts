import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { beforeEach, describe, expect, test } from "vitest";

import { eventsOf, model, post, running } from "./support/running.js";
import { keepSpans } from "./support/spans.js";
import { until } from "./support/until.js";

const spans = keepSpans();
const { url, server } = running();
beforeEach(() => spans.reset());

const messages = [{ role: "user", content: "What is hypertension?" }];
const body = { model, messages, max_tokens: 30, temperature: 0, ignoreEos: true };
const path = () => `${url()}/v1/chat/completions`;

/** The server's span and those below it, once it has ended. */
async function spanOf(): Promise<{ span: ReadableSpan; children: ReadableSpan[] }> {
  const find = () => spans.getFinishedSpans().find(({ kind }) => kind === SpanKind.SERVER);
  await until(() => find() !== undefined);
  const span = find()!;
  const { spanId } = span.spanContext();
  return { span, children: spans.getFinishedSpans().filter((each) => each.parentSpanContext?.spanId === spanId) };
}

const ms = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;

test.each([false, true])("a request and what its time went into (streamed: %s)", async (stream) => {
  const before = Date.now();
  await eventsOf(await post(path(), { ...body, stream }));
  const { span, children } = await spanOf();
  const after = Date.now();
  expect(span.name).toBe("POST /v1/chat/completions");
  expect(span.attributes).toEqual({
    "http.request.method": "POST",
    "http.route": "/v1/chat/completions",
    "http.response.status_code": 200,
    "medinfer.request.id": expect.any(String),
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "medinfer",
    "gen_ai.request.model": model,
    "gen_ai.response.model": model,
    "gen_ai.usage.input_tokens": expect.any(Number),
    "gen_ai.usage.output_tokens": 30,
    "gen_ai.response.finish_reasons": ["length"],
  });
  const byName = Object.fromEntries(children.map((each) => [each.name, each]));
  const prefill = byName.prefill!;
  const decode = byName.decode!;
  // Real times: inside the request's, one behind the other (a millisecond for the difference of clocks).
  expect(ms(span.startTime)).toBeGreaterThanOrEqual(before - 1);
  expect(ms(span.endTime)).toBeLessThanOrEqual(after + 1);
  for (const each of children) {
    expect(ms(each.startTime)).toBeGreaterThanOrEqual(ms(span.startTime));
    expect(ms(each.endTime)).toBeLessThanOrEqual(ms(span.endTime) + 1);
  }
  expect(ms(prefill.duration)).toBeGreaterThan(0);
  expect(ms(decode.startTime)).toBeGreaterThanOrEqual(ms(prefill.endTime) - 1);
  expect(ms(byName.queue!.endTime)).toBeLessThanOrEqual(ms(prefill.startTime) + 1);
});

test("an image is a span of its own", async () => {
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } };
  await (await post(path(), { ...body, messages: [{ role: "user", content: [image] }] })).text();
  const { children } = await spanOf();
  expect(children.map(({ name }) => name)).toContain("encode");
});

test("the sender's trace goes on; what else it says of it does not", async () => {
  const headers = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=text",
    baggage: "key=text",
  };
  await (await post(path(), body, { headers })).text();
  const { span } = await spanOf();
  expect(span.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(span.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  expect(span.spanContext().traceState).toBeUndefined();
});

describe("what did not go well", () => {
  test("the sender's fault is no error of the server's", async () => {
    await post(path(), { ...body, temperature: 9 });
    const { span } = await spanOf();
    expect(span.attributes).toMatchObject({ "http.response.status_code": 400, "error.type": "invalid_value" });
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  test("a stream that breaks off is one", async () => {
    const response = await post(path(), { ...body, max_tokens: 3000, stream: true });
    const { models } = server().service;
    await models.unload(models.find(model));
    await response.text().catch(() => {});
    const { span } = await spanOf();
    expect(span.attributes).toMatchObject({ "http.response.status_code": 200, "error.type": "model_unloaded" });
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
  });
});

test("health is none", async () => {
  await fetch(`${url()}/health`);
  await post(path(), { ...body, max_tokens: 1 });
  await spanOf();
  expect(spans.getFinishedSpans().filter(({ name }) => name.includes("health"))).toEqual([]);
});
