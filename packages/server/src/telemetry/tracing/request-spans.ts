import {
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type TextMapGetter,
  type Tracer,
} from "@opentelemetry/api";
import type { IncomingHttpHeaders } from "node:http";
import type { Account } from "../account.js";
import type { Observer } from "../observer.js";

/** The names of the GenAI conventions, for calls that have one. */
const operations: readonly [RegExp, string][] = [
  [/chat|messages$|responses$/, "chat"],
  [/completions$/, "text_completion"],
  [/embeddings$/, "embeddings"],
];

/** Of all headers only this one: `tracestate` and `baggage` hold what their sender likes. */
const traceparent: TextMapGetter<IncomingHttpHeaders> = {
  keys: () => ["traceparent"],
  get: (headers, key) => (key === "traceparent" ? headers.traceparent : undefined),
};

/**
 * A span for each request, and below it what its time went into. Through OpenTelemetry's API alone: without an SDK in the
 * process there are none, and they cost nothing.
 */
export class RequestSpans implements Observer {
  readonly #spans = new WeakMap<Account, { span: Span; context: Context }>();
  readonly #version: string;

  /** @param version of the server */
  constructor(version: string) {
    this.#version = version;
  }

  arrived(account: Account): void {
    const { endpoint, route, id, incoming, arrivedAt } = account;
    if (route!.role === "anyone" || route!.role === "metrics") return;
    const above = propagation.extract(ROOT_CONTEXT, incoming.headers, traceparent);
    const startTime = epochMs(arrivedAt);
    const span = this.#tracer.startSpan(endpoint, { kind: SpanKind.SERVER, startTime }, above);
    if (!span.isRecording()) return;
    span.setAttributes({
      "http.request.method": route!.method.toUpperCase(),
      "http.route": route!.path,
      "medinfer.request.id": id,
    });
    this.#spans.set(account, { span, context: trace.setSpan(ROOT_CONTEXT, span) });
  }

  ended(account: Account): void {
    const found = this.#spans.get(account);
    if (found === undefined) return;
    const { span, context } = found;
    for (const { name, from, to } of phasesOf(account)) {
      this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime: epochMs(from) }, context).end(epochMs(to));
    }
    span.setAttributes(attributesOf(account));
    if (account.end === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(epochMs(account.endedAt));
  }

  /** Asked for each time: an SDK may be registered after the server has started. */
  get #tracer(): Tracer {
    return trace.getTracer("@medinfer/server", this.#version);
  }
}

/** What a request's time went into, in the milliseconds of `performance.now()`. */
function phasesOf({ enteringAt, admittedAt, submittedAt, outcome }: Account) {
  const phases: { name: string; from: number; to: number }[] = [];
  const add = (name: string, from: number, ms: number) => {
    if (ms > 0) phases.push({ name, from, to: from + ms });
  };
  if (enteringAt !== undefined && admittedAt !== undefined) add("admission", enteringAt, admittedAt - enteringAt);
  const timings = outcome?.timings;
  if (timings === undefined || submittedAt === undefined) return phases;
  const { encodeMs, queueMs, prefillMs, firstTokenMs, decodeMs } = timings;
  // Images are read before a request is queued for the batch.
  add("encode", submittedAt, encodeMs);
  add("queue", submittedAt + encodeMs, queueMs);
  add("prefill", submittedAt + encodeMs + queueMs, prefillMs);
  add("decode", submittedAt + firstTokenMs, decodeMs);
  return phases;
}

function attributesOf(account: Account): Attributes {
  const { route, status, code, model, outcome, end } = account;
  const operation = operations.find(([pattern]) => pattern.test(route!.path))?.[1];
  const reasons = (outcome?.choices ?? (outcome?.finishReason === undefined ? [] : [outcome])).map(
    (each) => each.finishReason!,
  );
  return {
    "http.response.status_code": status,
    ...(end === "answered" ? {} : { "error.type": code ?? String(status) }),
    ...(model === undefined || operation === undefined
      ? {}
      : {
          "gen_ai.operation.name": operation,
          "gen_ai.provider.name": "medinfer",
          "gen_ai.request.model": model.name,
          "gen_ai.response.model": model.name,
        }),
    ...(outcome === undefined
      ? {}
      : {
          "gen_ai.usage.input_tokens": outcome.usage.promptTokens,
          "gen_ai.usage.output_tokens": account.completionTokens,
        }),
    ...(reasons.length > 0 ? { "gen_ai.response.finish_reasons": reasons } : {}),
  };
}

/** As OpenTelemetry takes times. */
const epochMs = (at: number) => performance.timeOrigin + at;
